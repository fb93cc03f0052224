#!/usr/bin/env python3
"""The crawler as a user meets it: every file once, no more open than allowed, what is missing is named."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

OPEN = 3


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def run(program, loops, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "WEFT_LOOPS": str(loops)})
    return done.returncode, done.stdout, done.stderr


def make_files(folder):
    """A page that leads to 40 headers, all of which lead to one that leads back; and four ways to lead nowhere."""
    (folder / "include/deep").mkdir(parents=True)
    links = "\n".join(f"see [{i}](src/{i}.hpp#L1), [the same](src/{i}.hpp)" for i in range(40))
    (folder / "start.md").write_text(f"# Here\n{links}\n[gone](gone.md)\n[web](https://example.org/x.md) [up](#here)\n"
                                     "[a folder](include)\n")
    (folder / "src").mkdir()
    for i in range(40):
        (folder / f"src/{i}.hpp").write_text('#include <vector>\n  # include "deep/shared.hpp"\n')
    (folder / "include/deep/shared.hpp").write_text('// "no.hpp"\n#include "../../src/0.hpp"\n#include "lost.hpp"\n')


def crawl(program, loops, folder):
    code, out, errors = run(program, loops, "--open", OPEN, "--root", folder / "include", folder / "start.md")
    what = f"{loops} loops: exit {code}: {out} {errors}"
    check(code == 0 and errors == "", what)
    size = sum(path.stat().st_size for path in folder.rglob("*.*"))
    check(f"files       42, {size} bytes\n" in out, what)
    check(f"references  {40 * 2 + 2 + 40 + 2}\n" in out, what)
    most = re.search(r"most open   (\d+) of 3\n", out)
    check(most and 1 <= int(most.group(1)) <= OPEN, what)
    check(f"complaints  2\n  {folder}/include/deep/shared.hpp:3: no such file: lost.hpp\n"
          f"  {folder}/start.md:42: no such file: gone.md\n" in out, what)


def wrong_input(program, folder):
    for arguments, expected_code, expected in [
            ((folder / "none.md",), 1, f"{folder}/none.md: No such file or directory"),
            ((folder,), 1, f"{folder}: Is a directory"),
            ((), 2, "expected a file"),
            (("--open", "0", "x"), 2, "--open 0: expected a whole number"),
            (("--open",), 2, "--open: expected a value"),
            (("x", "y"), 2, "y: expected one file")]:
        for loops in (1, 8):
            code, out, errors = run(program, loops, *arguments)
            check(code == expected_code and expected in errors and out == "", f"{arguments}: {code} {out} {errors}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    args = parser.parse_args()
    program = args.build / "examples/crawler"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        make_files(folder)
        for loops in (1, 2, 8):
            crawl(program, loops, folder)
        wrong_input(program, folder)
    print("crawls, wrong input: as expected")


if __name__ == "__main__":
    main()
