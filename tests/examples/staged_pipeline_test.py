#!/usr/bin/env python3
"""The staged pipeline as a user meets it: right counts, bounded queues, and one stage's failure that ends all of them."""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOM = 2


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def run(program, loops, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "WEFT_LOOPS": str(loops)})
    return done.returncode, done.stdout, done.stderr


def make_files(folder):
    words = collections.Counter()
    for number in range(5):
        lines = [f"line {'odd' if i % 2 else 'even'} Of, file-{'x' * (number + 1)}" for i in range(300)]
        for line in lines:
            words.update(re.findall("[a-z]+", line.lower()))
        (folder / f"{number}.txt").write_text("\n".join(lines) + "\n")
    (folder / "empty.txt").write_text("")
    return sorted(folder.glob("*.txt")), words


def counts(program, loops, files, words):
    code, out, errors = run(program, loops, "--room", ROOM, *files)
    check(code == 0 and errors == "", f"{loops} loops: exit {code}: {errors}")
    check(f"words   {words.total()}, {len(words)} distinct\n" in out, f"{loops} loops: wrong counts: {out}")
    top = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:5]
    printed = [(word, int(times)) for times, word in re.findall(r"^ +(\d+)  (\w+)$", out, re.MULTILINE)]
    check(printed == top, f"{loops} loops: got {printed}, expected {top}")
    queues = re.findall(r"(\d+), longest queue (\d+) of (\d+)", out)
    check(len(queues) == 2 and all(blocks == "25" and int(longest) <= int(room) == ROOM
                                   for blocks, longest, room in queues), f"{loops} loops: queues: {out}")


def failures(program, loops, files):
    for stage in ("read", "count", "merge"):
        for at in (1, 10):
            code, out, errors = run(program, loops, "--room", ROOM, "--fail", stage, "--at", at, *files)
            what = f"{loops} loops, {stage} at {at}: exit {code}: {out} {errors}"
            check(code == 1 and out == "", what)
            check(errors.count(f"{stage}: made to fail at ") == 1 and "tasks left: 0\n" in errors, what)
    missing = files[0].parent / "missing"
    code, out, errors = run(program, loops, *files, missing)
    check(code == 1 and f"{missing}: No such file or directory" in errors, f"a missing file: {code} {out} {errors}")


def wrong_arguments(program, files):
    for arguments, expected in [((), "at least one file"), (("--room", "0", *files), "--room 0"),
                                (("--fail", "nothing", *files), "--fail nothing"), (("--at",), "--at: expected a value"),
                                (("--what", *files), "--what: expected")]:
        code, out, errors = run(program, 1, *arguments)
        check(code == 2 and expected in errors and out == "", f"{arguments}: {code} {out} {errors}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    args = parser.parse_args()
    program = args.build / "examples/staged_pipeline"
    with tempfile.TemporaryDirectory() as folder:
        files, words = make_files(pathlib.Path(folder))
        for loops in (1, 2, 8):
            counts(program, loops, files, words)
            failures(program, loops, files)
        wrong_arguments(program, files)
    print("counts, failures, wrong arguments: as expected")


if __name__ == "__main__":
    main()
