#!/usr/bin/env python3
"""The soak as a user meets it: one part by itself, its lines and totals, and what it says to wrong arguments."""
import argparse
import pathlib
import re
import subprocess
import sys

PARTS = ["trees", "branches", "timers", "cancels", "locks", "queues", "channels", "gatherings", "generators",
         "executors", "foreign threads", "runtimes", "sockets"]


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def one_part(program):
    code, out, errors = run(program, "--minutes", "0.02", "--seed", "7", "--loops", "3", "--part", "locks")
    check(code == 0 and errors == "", f"exit {code}: {errors}")
    check(out.startswith("seed 7, 3 loops, 0.02 minutes\n"), out)
    lines = re.findall(r"^  (.+?) +(\d+) operations +\d+ cancels +\d+ failures checked$", out, re.MULTILINE)
    check([name for name, _ in lines] == ["locks"] and int(lines[0][1]) > 0, out)
    check(re.search(r"^total: \d+ operations, .* 0 checks failed, 0 tasks left, no rescue, seed 7$", out, re.MULTILINE),
          out)


def wrong_arguments(program):
    for arguments, expected in [(("--minutes", "0"), "--minutes 0: expected 0.001 to"),
                                (("--minutes", "five"), "--minutes five: expected 0.001 to"),
                                (("--minutes", "nan"), "--minutes nan: expected 0.001 to"),
                                (("--minutes",), "--minutes: expected a value"),
                                (("--seed", "-1"), "--seed -1: expected 0 to"),
                                (("--loops", "1025"), "--loops 1025: expected 1 to 1024"),
                                (("--part", "nothing"), f"--part nothing: expected one of {', '.join(PARTS)}"),
                                (("--what", "1"), "--what: expected --minutes, --seed, --loops or --part")]:
        code, out, errors = run(program, *arguments)
        check(code == 2 and expected in errors and out == "", f"{arguments}: {code} {out} {errors}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    args = parser.parse_args()
    program = args.build / "tests/weft_soak"
    one_part(program)
    wrong_arguments(program)
    print("one part, wrong arguments: as expected")


if __name__ == "__main__":
    main()
