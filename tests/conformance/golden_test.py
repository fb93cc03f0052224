#!/usr/bin/env python3
"""The scenarios in C++ give CPython's traces (golden/<area>.txt), line by line, and both languages have the same ones."""
import argparse
import difflib
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Known to differ today: {scenario: why}. One that agrees again is a failure, so that this list cannot grow stale.
OPEN = {}


def python_scenarios(area):
    """{name: rules} of an area's Python text, without running it."""
    text = (HERE / "scenarios" / f"{area}.py").read_text()
    found = re.findall(r"^@rules\(([\d, ]+)\)\n(?:async )?def (\w+)\(log\):", text, re.MULTILINE)
    return {name: [int(rule) for rule in rules.split(",")] for rules, name in found}


def sections(text):
    """{name: lines} of what stands behind "== name"."""
    parts = re.split(r"^== (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--source")
    parser.add_argument("--sanitize", default="")
    options = parser.parse_args()
    program = str(pathlib.Path(options.build) / "tests" / "weft_scenarios")
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, timeout=60, check=True).stdout
    in_cpp = {words[0]: [int(rule) for rule in words[1:]] for words in map(str.split, listed.splitlines())}
    in_python, golden = {}, {}
    for path in sorted((HERE / "scenarios").glob("*.py")):
        if path.stem == "trace":
            continue
        in_python |= {f"{path.stem}.{name}": rules for name, rules in python_scenarios(path.stem).items()}
        text = (HERE / "golden" / f"{path.stem}.txt").read_text()
        golden |= {f"{path.stem}.{name}": trace for name, trace in sections(text).items()}
    problems = []
    for name in sorted(in_python.keys() | in_cpp.keys()):
        if name not in in_cpp:
            problems.append(f"{name}: only in Python")
        elif name not in in_python:
            problems.append(f"{name}: only in C++")
        elif in_python[name] != in_cpp[name]:
            problems.append(f"{name}: rules {in_python[name]} in Python, {in_cpp[name]} in C++")
        elif name not in golden:
            problems.append(f"{name}: no golden trace (record.py writes it)")
    run = subprocess.run([program], capture_output=True, text=True, timeout=240)
    traces = sections(run.stdout)
    if run.returncode != 0:
        last = list(traces)[-1] if traces else "the start"
        problems.append(f"the program ended with {run.returncode} in {last}:\n{run.stderr[-4000:]}")
    for name in in_cpp.keys() & in_python.keys() & golden.keys():
        agrees = traces.get(name, "") == golden[name]
        if name in OPEN and agrees:
            problems.append(f"{name}: agrees again, take it off the list ({OPEN[name]})")
        if not agrees and name not in OPEN:
            problems.append(f"{name}:\n" + "".join(difflib.unified_diff(
                golden[name].splitlines(True), traces.get(name, "").splitlines(True), "CPython", "weft", n=20)))
    if problems:
        sys.exit("\n".join(sorted(problems) + [f"{len(problems)} of {len(in_python | in_cpp)} scenarios differ"]))
    print(f"{len(in_cpp) - len(OPEN)} scenarios as in CPython, {len(OPEN)} known to differ")


if __name__ == "__main__":
    main()
