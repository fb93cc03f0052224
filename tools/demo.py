#!/usr/bin/env python3
"""The main job: the HTTP service under wrk, the word-count pipeline, and fork-join beside oneTBB.

Runs the programs of a build (./run demo builds them first), prints one table per part to stdout and a progress line to
stderr, and writes build/report/report.json: {"rows": [...], "machine": {...}, "failures": [...]}. Each row has problem,
framework, loops, median_ns, min_ns and max_ns per item (an HTTP request, a byte of text, a call, a leaf, ...).

A part that fails is reported in a line, the others still run, and the exit code is 1. A senseless command line is 2.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import bench
from machine import describe, output_of, usable_cores
from server import Failure, Server

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "report" / "report.json"

CONNECTIONS = 32
WRK_RUNS = 3
PIPELINE_LIMIT_S = 60  # only a hang gets there
ROUNDS = 3
MIB = 1024 * 1024


class Progress:
    """One line on a terminal, overwritten; a line per step in a log."""

    def __init__(self):
        self.begin = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def seconds(self):
        return time.monotonic() - self.begin

    def step(self, text):
        if self.terminal:
            print(f"\r\033[K[{self.seconds():3.0f} s] {text}", end="", file=sys.stderr, flush=True)
        else:
            print(f"[{self.seconds():3.0f} s] {text}", file=sys.stderr, flush=True)

    def clear(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# ---- tables ---------------------------------------------------------------------------------------------------------


def print_table(title, header, rows, notes=()):
    """Text to the left, numbers to the right: a column is text if its first cell is a str that is no number."""
    cells = [header] + [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    text_columns = [not re.match(r"^-?[\d.]*$", cells[1][i]) for i in range(len(header))]
    print(f"\n{title}\n{'-' * len(title)}")
    for line in cells:
        padded = (
            cell.ljust(width) if is_text else cell.rjust(width)
            for cell, width, is_text in zip(line, widths, text_columns)
        )
        print("  ".join(padded).rstrip())
    for note in notes:
        print(note)
    sys.stdout.flush()


def fixed(value, digits):
    return None if value is None else f"{value:.{digits}f}"


def program(build, name):
    path = build / name
    if not os.access(path, os.X_OK):
        raise Failure(f"{path}: no such program; ./run demo builds it")
    return str(path)


# ---- part 1: the HTTP service ---------------------------------------------------------------------------------------


UNITS_US = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


def parse_wrk(text):
    def number(pattern):
        found = re.search(pattern, text)
        if not found:
            raise Failure(f"wrk: its output lacks {pattern!r}: {text[-500:]}")
        return found.groups()

    def latency_us(percentile):
        value, unit = number(rf"\s{percentile}%\s+([\d.]+)(us|ms|s|m)\b")
        return float(value) * UNITS_US[unit]

    errors = re.search(r"(Socket errors:.*|Non-2xx or 3xx responses:.*)", text)
    if errors:
        raise Failure(f"wrk: {errors.group(1)}")
    requests = int(number(r"(\d+) requests in")[0])
    if requests == 0:
        raise Failure("wrk: got 0 requests answered, expected more")
    return {
        "requests": requests,
        "requests_per_s": float(number(r"Requests/sec:\s+([\d.]+)")[0]),
        "p50_us": latency_us(50),
        "p99_us": latency_us(99),
    }


def drive(server, seconds):
    before = server.cpu_ns()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{server.port}/"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"wrk did not end {error.timeout - seconds:.0f} s after its {seconds} s") from error
    server.must_run()
    if done.returncode != 0:
        raise Failure(f"wrk ended with exit code {done.returncode}: {done.stderr.strip()}")
    run = parse_wrk(done.stdout)
    run["cpu_us_per_request"] = (server.cpu_ns() - before) / run["requests"] / 1e3
    return run


def http_row(loops, runs, peak_memory):
    walls = [1e9 / run["requests_per_s"] for run in runs]
    row = {
        "problem": "http",
        "framework": "weft",
        "loops": loops,
        "item": "request",
        "median_ns": statistics.median(walls),
        "min_ns": min(walls),
        "max_ns": max(walls),
        "rss_bytes": peak_memory,
        "connections": CONNECTIONS,
    }
    for name in ("requests_per_s", "p50_us", "p99_us", "cpu_us_per_request"):
        row[name] = statistics.median(run[name] for run in runs)
    return row


def http_part(options, progress):
    if shutil.which("wrk") is None:
        raise Failure("wrk is not installed: Debian package wrk")
    path = program(options.build, "examples/http_service")
    seconds = 1 if options.quick else 2
    rows = []
    cells = []
    body = ""
    for loops in sorted({1, usable_cores()}):
        progress.step(f"HTTP service, {loops} loops: start")
        with Server([path, "--loops", str(loops), "--port", "0"]) as server:
            body = server.page()
            runs = []
            for number in range(1, WRK_RUNS + 1):
                progress.step(f"HTTP service, {loops} loops: wrk for {seconds} s, {number} of {WRK_RUNS}")
                runs.append(drive(server, seconds))
            row = http_row(loops, runs, server.peak_bytes())
            server.stop()
        rows.append(row)
        rates = [run["requests_per_s"] for run in runs]
        cells.append(
            [
                "weft",
                loops,
                fixed(row["requests_per_s"], 0),
                fixed(min(rates), 0),
                fixed(max(rates), 0),
                fixed(row["p50_us"], 0),
                fixed(row["p99_us"], 0),
                fixed(row["cpu_us_per_request"], 2),
                fixed(row["rss_bytes"] / MIB, 1),
            ]
        )
    progress.clear()
    print_table(
        "1. HTTP service under wrk",
        ["framework", "loops", "requests/s", "min", "max", "p50 us", "p99 us", "CPU us/request", "peak MiB"],
        cells,
        [
            f"GET / answers {len(body)} bytes: {body[:40].strip()!r}. "
            f"Medians of {WRK_RUNS} runs of {seconds} s, {CONNECTIONS} connections.",
            f"wrk shares the {usable_cores()} cores with the service: no scaling is claimed from these rows.",
        ],
    )
    return rows


# ---- part 2: the pipeline -------------------------------------------------------------------------------------------


def run_program(command, limit_s):
    """The program's stdout. Its stderr is shown as it comes: progress, warnings, and the reason when it fails."""
    name = pathlib.Path(command[0]).name
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{name} did not end within {limit_s} s: {' '.join(command)}") from error
    if done.returncode != 0:
        raise Failure(f"{name}: got exit code {done.returncode}, expected 0: {' '.join(command)}")
    return done.stdout


def pipeline_part(options, progress):
    path = program(options.build, "examples/pipeline")
    extra = ["--max-bytes", str(8 * MIB)] if options.quick else []
    rows = []
    cells = []
    found = {}
    for loops in sorted({1, usable_cores()}):
        progress.step(f"pipeline, {loops} loops: counting words")
        progress.clear()
        text = run_program([path, "--json", "--loops", str(loops), *extra, "--", *options.files], PIPELINE_LIMIT_S)
        found = json.loads(text)
        by_framework = {row["framework"]: row for row in found["rows"]}
        sequential, weft = by_framework["sequential"], by_framework["weft"]
        # The sequential pass runs again beside every number of loops, for the speed-up; the report needs only one.
        for row in [weft] if rows else [sequential, weft]:
            row["ratio"] = row["median_ns"] / sequential["median_ns"]
            rows.append(row)
            cells.append(
                [
                    row["framework"],
                    row["loops"],
                    fixed(1e9 / row["median_ns"] / MIB, 0),
                    fixed(row["median_ns"], 2),
                    fixed(row["min_ns"], 2),
                    fixed(row["max_ns"], 2),
                    fixed(1 / row["ratio"], 2),
                ]
            )
    progress.clear()
    top = ", ".join(f"{word} {times}" for word, times in found["top"])
    print_table(
        "2. Word counts of many files",
        ["framework", "loops", "MiB/s", "ns/byte", "min", "max", "speed-up"],
        cells,
        [
            f"{found['files']} files ({found['unreadable']} unreadable), {found['bytes'] / MIB:.1f} MiB, "
            f"{found['words']} words, {found['distinct']} distinct. Every parallel pass equals the sequential one.",
            f"Most frequent: {top}",
        ],
    )
    return rows


# ---- part 3: fork-join ----------------------------------------------------------------------------------------------


def loop_counts():
    """1 to N; on many cores powers of two and N, so that the demo ends in time."""
    cores = usable_cores()
    if cores <= 4:
        return list(range(1, cores + 1))
    return sorted({2**power for power in range(cores.bit_length()) if 2**power <= cores} | {cores})


def fork_join_part(options, progress):
    """Some of ./run bench's problems, beside oneTBB and plain code."""
    known = bench.problems()
    loops = loop_counts()
    rows, cells, failures = [], [], []
    for name in ("fib", "skynet", "nqueens", "matmul", "spawn_join"):
        progress.step(f"{name} beside oneTBB, {', '.join(map(str, loops))} loops")
        choice = argparse.Namespace(
            build=options.build, quick=options.quick, loops=loops, oversubscribed=False,
            compilers=["clang"], frameworks=["weft", "sequential", "onetbb"],
        )
        found, missing = bench.contenders(known[name], choice)
        if missing:
            raise Failure(f"{name}: not built for {', '.join(missing)}")
        measured = bench.measure(found, ROUNDS, bench.Progress(), failures)
        rows += measured
        by_key = {(row["framework"], row["loops"]): row for row in measured}
        for count in loops:
            cells.append(fork_join_cells(name, count, by_key))
    progress.clear()
    print_table(
        "3. Fork-join beside oneTBB",
        ["problem", "per item", "loops", "sequential", "onetbb", "weft", "weft/onetbb", "eff. onetbb", "eff. weft"],
        cells,
        [f"Medians of {ROUNDS} interleaved rounds, every result verified. Efficiency is T1 / (n * Tn) at n loops."],
    )
    if failures:
        raise Failure("; ".join(failures))
    return rows


def fork_join_cells(name, count, by_key):
    """A line of the table; what failed is empty."""
    def figure(framework, key, digits):
        return fixed(by_key.get((framework, count), {}).get(key), digits)

    item = next((row["item"] for row in by_key.values()), "")
    return [
        name, f"ns/{item}", count, figure("sequential", "median_ns", 2), figure("onetbb", "median_ns", 2),
        figure("weft", "median_ns", 2), figure("onetbb", "ratio", 3), figure("onetbb", "efficiency", 2),
        figure("weft", "efficiency", 2),
    ]


# ---- the report -----------------------------------------------------------------------------------------------------


def write_report(rows, machine, failures):
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed, so that a reader never sees half a report.
    partial = REPORT.with_suffix(".partial")
    partial.write_text(json.dumps({"rows": rows, "machine": machine, "failures": failures}, indent=1) + "\n")
    partial.replace(REPORT)


def parse_arguments():
    parser = argparse.ArgumentParser(description="The main job: HTTP service, pipeline, fork-join beside oneTBB.")
    parser.add_argument(
        "--build",
        type=pathlib.Path,
        default=ROOT / "build" / "release",
        help="build folder (default: build/release)",
    )
    parser.add_argument("--quick", action="store_true", help="smaller problems, shorter runs")
    parser.add_argument("files", nargs="*", help="what the pipeline counts (default: the system's own text files)")
    options = parser.parse_args()
    if not options.build.is_dir():
        parser.error(f"--build {options.build}: expected a build folder; ./run demo makes one")
    options.build = options.build.resolve()
    return options


def main():
    options = parse_arguments()
    # So that a service under test ends with this script, however that is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("demo: ended by SIGTERM"))
    progress = Progress()
    options.machine = describe(options.build)
    options.machine["wrk"] = (re.match(r"wrk (\S+)", output_of(["wrk", "-v"])) or [None, None])[1]
    machine = options.machine
    print(f"{machine['cpu']}, {machine['usable_cores']} usable cores; {machine['compiler']}, {machine['build_type']}")

    rows = []
    failures = []
    for name, part in (("HTTP service", http_part), ("pipeline", pipeline_part), ("fork-join", fork_join_part)):
        try:
            rows += part(options, progress)
        except (Failure, OSError, ValueError, LookupError) as error:
            progress.clear()
            text = str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
            failures.append(f"{name}: {text}")
            print(f"demo: FAILED: {name}: {text}", file=sys.stderr, flush=True)
    write_report(rows, machine, failures)
    print(f"\n{len(rows)} rows in {os.path.relpath(REPORT)}, {progress.seconds():.0f} s.", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")
