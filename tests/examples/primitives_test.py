"""Runs every program of examples/primitives and compares its output with the comment at its end."""

import argparse
import pathlib
import subprocess
import sys


def expected_output(source):
    """Returns the lines after '// prints:'."""
    lines = source.read_text().splitlines()
    if "// prints:" not in lines:
        sys.exit(f"{source.name}: no line '// prints:'")
    return [line.removeprefix("// ") for line in lines[lines.index("// prints:") + 1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    args = parser.parse_args()
    sources = sorted((args.source / "examples/primitives").glob("*.cpp"))
    failures = 0
    for source in sources:
        program = args.build / "examples/primitives" / source.stem
        try:
            done = subprocess.run([program], capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            print(f"{source.stem}: did not end")
            failures += 1
            continue
        printed = done.stdout.splitlines()
        if done.returncode != 0 or done.stderr or printed != expected_output(source):
            failures += 1
            print(f"{source.stem}: exit {done.returncode}\n--- expected\n" + "\n".join(expected_output(source)) +
                  "\n--- printed\n" + done.stdout + done.stderr)
    print(f"{len(sources)} programs, {failures} failures")
    return 1 if failures or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
