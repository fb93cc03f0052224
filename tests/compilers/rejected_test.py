"""Compiles every CASE of rejected.cpp with the preset's compiler and looks at the first error line."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys


def first_error(compiler, source, case):
    """Returns the first error line of one case, '' if it compiles."""
    command = [compiler, "-std=c++20", "-fsyntax-only", f"-DCASE={case}", f"-I{source}",
               str(source / "tests/compilers/rejected.cpp")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    if done.returncode == 0:
        return ""
    return errors[0] if errors else done.stderr[-500:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    args = parser.parse_args()
    if args.sanitize:
        print("skipped: a sanitizer changes nothing in what a compiler rejects")
        return 77
    cache = (args.build / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)[1]
    text = (args.source / "tests/compilers/rejected.cpp").read_text()
    expected = {0: ""} | {int(n): part for n, part in re.findall(r"CASE == (\d+)\s+// expect: (.*)", text)}
    if len(expected) != text.count("CASE ==") + 1:
        sys.exit("rejected.cpp: a CASE has no '// expect:'")
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # 18 times 1.5 s: on all cores
        errors = pool.map(lambda case: first_error(compiler, args.source, case), sorted(expected))
    for (case, part), error in zip(sorted(expected.items()), errors):
        error = error.replace("‘", "'").replace("’", "'")
        good = (part in error) if part else not error
        if part and not error:
            error = "it compiles"
        if not good:
            failures += 1
            print(f"case {case}: expected '{part}', got: {error}")
    print(f"{len(expected)} cases, {failures} failures, {compiler}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
