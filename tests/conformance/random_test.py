#!/usr/bin/env python3
"""Random programs on weft give CPython's traces, as recorded in golden/random.xz; and on four loops they end, with one
outcome for every task and future and without a lost wake-up."""

import argparse
import difflib
import pathlib
import subprocess
import sys

import random_programs

LIMIT_S = 240


def run(command, programs):
    lines = "".join(random_programs.line_of(program) + "\n" for program in programs)
    ended = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=LIMIT_S)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-2000:]}\n{ended.stderr[-8000:]}")
    traces, trace = [], []
    for line in ended.stdout.splitlines(keepends=True):
        if line == ".\n":
            traces.append("".join(trace))
            trace = []
        else:
            trace.append(line)
    return traces


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--source")
    parser.add_argument("--sanitize", default="")
    options = parser.parse_args()
    program = str(options.build / "tests" / "weft_conformance")
    version, programs, expected = random_programs.read_golden()
    differences = 0
    for number, (text, seen) in enumerate(zip(expected, run([program], programs))):
        if text != seen:
            differences += 1
            if differences == 1:
                print(random_programs.pretty(programs[number]))
                print("\n".join(difflib.unified_diff(text.splitlines(), seen.splitlines(), version, "weft", n=1000,
                                                    lineterm="")))
    if differences:
        sys.exit(f"{differences} of {len(programs)} random programs differ from {version}")
    broken = [(number, text) for number, text in enumerate(run([program, "--loops", "4"], programs)) if text]
    if broken:
        print(random_programs.pretty(programs[broken[0][0]]))
        sys.exit(f"{len(broken)} of {len(programs)} random programs break a promise on four loops:\n{broken[0][1]}")
    print(f"{len(programs)} random programs as in {version}, and sound on four loops")


if __name__ == "__main__":
    main()
