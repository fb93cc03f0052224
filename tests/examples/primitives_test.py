"""Runs every program of examples/primitives and compares its output with the comment at its end.

Each runs several times, more at once than there are cores: an order that only an idle machine keeps does not pass.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys


def expected_output(source):
    """Returns the lines after '// prints:'."""
    lines = source.read_text().splitlines()
    if "// prints:" not in lines:
        sys.exit(f"{source.name}: no line '// prints:'")
    return [line.removeprefix("// ") for line in lines[lines.index("// prints:") + 1:]]


def problem_of(program, expected):
    """Runs `program` once. Returns what is wrong with it, or None."""
    try:
        done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "did not end"
    if done.returncode == 0 and not done.stderr and done.stdout.splitlines() == expected:
        return None
    return (f"exit {done.returncode}\n--- expected\n" + "\n".join(expected) +
            "\n--- printed\n" + done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    parser.add_argument("--rounds", type=int, default=16, help="how often each program runs")
    args = parser.parse_args()
    sources = sorted((args.source / "examples/primitives").glob("*.cpp"))
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(4 * os.cpu_count()) as pool:
        runs = {source: [pool.submit(problem_of, args.build / "examples/primitives" / source.stem,
                                     expected_output(source)) for _ in range(args.rounds)] for source in sources}
        for source, rounds in runs.items():
            problems = list(filter(None, (run.result() for run in rounds)))
            if problems:
                failures += 1
                print(f"{source.stem}: {len(problems)} of {args.rounds} runs failed, the first: {problems[0]}")
    print(f"{len(sources)} programs, {failures} failures")
    return 1 if failures or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
