#!/usr/bin/env python3
"""Runs the scenarios of scenarios/*.py in CPython (node and pyodide, on virtual time) and gives their traces.

    record.py            writes golden/<area>.txt
    record.py --check    only compares with them, as a program for CI
    record.py --print [AREA...]
"""
import argparse
import difflib
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = HERE / "scenarios"
GOLDEN = HERE / "golden"


def areas():
    return sorted(path.stem for path in SCENARIOS.glob("*.py") if path.stem != "trace")


def traces(names, oracle=HERE / "oracle.mjs"):
    """{area: text of its golden file}, as CPython gives it now."""
    run = subprocess.run(["node", str(oracle), str(HERE / "run_scenarios.py"), "--", *names],
                         capture_output=True, text=True, timeout=300)
    if run.returncode != 0:
        sys.exit(f"{run.stdout[-2000:]}\n{run.stderr[-4000:]}")
    head, *parts = re.split(r"^#area (.*)\n", run.stdout, flags=re.MULTILINE)
    version = re.search(r"python (\S+)", head).group(1)
    return {area: f"# CPython {version}\n{text}" for area, text in zip(parts[::2], parts[1::2])}


def difference(old, new, old_name, new_name):
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), old_name, new_name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--print", action="store_true", dest="show")
    parser.add_argument("--oracle", default=HERE / "oracle.mjs")
    parser.add_argument("areas", nargs="*")
    options = parser.parse_args()
    live = traces(options.areas or areas(), options.oracle)
    failed = False
    for area, text in live.items():
        golden = GOLDEN / f"{area}.txt"
        if options.show:
            print(f"#### {area}\n{text}", end="")
        elif options.check:
            diff = difference(golden.read_text() if golden.exists() else "", text, f"golden/{area}.txt", "CPython")
            failed |= bool(diff)
            print(diff, end="")
        else:
            GOLDEN.mkdir(exist_ok=True)
            golden.write_text(text)
    sys.exit(failed)


if __name__ == "__main__":
    main()
