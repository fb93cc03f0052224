#!/usr/bin/env python3
"""weft beside CPython: the scenarios of tests/conformance, then random programs, line by line.

    tools/conformance.py --build build/release [--programs N] [--seed S] [NAME...]

Called by ./run conformance, which builds weft_conformance and installs CPython (npm pyodide). NAMEs are areas of
tests/conformance/scenarios, and "random"; without any, all. A difference prints the seed, the program, shrunken, and
both traces; the exit code is 1, and 2 for a senseless command line. --only NUMBER runs one program of the seed,
--record writes the golden file of random programs that ./run test compares without node.
"""

import argparse
import difflib
import itertools
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "conformance"
sys.path.insert(0, str(TESTS))
sys.dont_write_bytecode = True

import generator  # noqa: E402
import random_programs  # noqa: E402
import shrink  # noqa: E402

ORACLE = ["node", str(TESTS / "oracle.mjs"), "--stdin", str(TESTS / "interpreter.py")]
CHUNK = 100
GOLDEN_SEED = 314
GOLDEN_PROGRAMS = 400


def say(text):
    print(f"conformance: {text}", flush=True)


class Progress:
    """One line on a terminal, overwritten; a line now and then in a log."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.begin = self.shown = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def add(self, count):
        self.done += count
        now = time.monotonic()
        if now - self.shown < (0.2 if self.terminal else 10):
            return
        self.shown = now
        start, end = ("\r\033[K", "") if self.terminal else ("", "\n")
        print(f"{start}[{now - self.begin:4.0f} s] {self.done} of {self.total} programs", end=end, file=sys.stderr,
              flush=True)

    def end(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Pair:
    """CPython and weft, both running."""

    def __init__(self, weft):
        self.oracle = random_programs.Runner(ORACLE)
        self.weft = random_programs.Runner([str(weft)])

    def traces(self, programs):
        """[(CPython's trace, weft's trace)] of the programs."""
        both = [None, None]

        def run(place, runner):
            both[place] = runner.run(programs)

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate((self.oracle, self.weft))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return list(zip(*both))

    def differ(self, programs):
        return [expected != seen for expected, seen in self.traces(programs)]

    def close(self):
        self.oracle.close()
        self.weft.close()


def compare(options):
    """Returns [(number, program, expected, seen)] of the programs that differ, at most options.most of them."""
    numbers = iter([options.only] if options.only is not None else range(options.programs))
    total = 1 if options.only is not None else options.programs
    progress = Progress(total)
    lock = threading.Lock()
    differences = []
    failures = queue.Queue()

    def work():
        try:
            pair = Pair(options.weft)
            while True:
                with lock:
                    chunk = list(itertools.islice(numbers, CHUNK))
                if not chunk or len(differences) >= options.most:
                    break
                programs = [generator.generate(options.seed, number) for number in chunk]
                traces = pair.traces(programs)
                with lock:
                    for number, program, (expected, seen) in zip(chunk, programs, traces):
                        if expected != seen:
                            differences.append((number, program, expected, seen))
                    progress.add(len(chunk))
            pair.close()
        except BaseException as error:  # of the main thread's concern
            failures.put(error)

    workers = [threading.Thread(target=work) for _ in range(min(options.jobs, 1 + total // CHUNK))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    progress.end()
    if not failures.empty():
        raise failures.get()
    return sorted(differences)[: options.most]


def show(options, number, program, pair):
    if not options.whole:
        program = shrink.shrink(program, pair.differ)
    (expected, seen), = pair.traces([program])
    print(f"--- seed {options.seed}, program {number}, shrunken:")
    print(random_programs.pretty(program))
    print(json.dumps(program, separators=(",", ":")))
    print("".join(line + "\n" for line in difflib.unified_diff(
        expected.splitlines(), seen.splitlines(), "CPython", "weft", n=1000, lineterm="")))


def run_random(options):
    begin = time.monotonic()
    differences = compare(options)
    if not differences:
        count = "1 random program" if options.only is not None else f"{options.programs} random programs"
        say(f"{count} of seed {options.seed} as in CPython, {time.monotonic() - begin:.0f} s")
        return True
    say(f"{len(differences)} programs differ; shrinking the first {min(options.show, len(differences))}")
    pair = Pair(options.weft)
    for number, program, _, _ in differences[: options.show]:
        show(options, number, program, pair)
    pair.close()
    say("differing programs: " + " ".join(str(number) for number, *_ in differences))
    return False


def record():
    programs = [generator.generate(GOLDEN_SEED, number) for number in range(GOLDEN_PROGRAMS)]
    oracle = random_programs.Runner(ORACLE)
    traces = oracle.run(programs)
    oracle.close()
    version = subprocess.run(["node", str(TESTS / "oracle.mjs"), str(TESTS / "version.py")], capture_output=True,
                             text=True, check=True).stdout.strip()
    random_programs.write_golden(random_programs.GOLDEN, f"CPython {version}", programs, traces)
    say(f"{random_programs.GOLDEN.name}: {GOLDEN_PROGRAMS} programs, {random_programs.GOLDEN.stat().st_size} bytes")


def run_scenarios(options, areas):
    say("scenarios: CPython beside the golden traces")
    good = subprocess.run([sys.executable, str(TESTS / "record.py"), "--check", *areas]).returncode == 0
    say("scenarios: weft beside the golden traces")
    test = [sys.executable, str(TESTS / "golden_test.py"), "--build", str(options.build)]
    return subprocess.run(test).returncode == 0 and good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--show", type=int, default=1, help="differences to shrink and print")
    parser.add_argument("--most", type=int, default=50, help="differences after which to stop")
    parser.add_argument("--whole", action="store_true", help="do not shrink")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--record", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.programs < 1 or options.jobs < 1 or options.show < 1:
        parser.error("--programs, --jobs and --show: expected a positive number")
    areas = [name for name in options.names if name != "random"]
    for name in areas:
        if not (TESTS / "scenarios" / f"{name}.py").exists():
            parser.error(f"no scenarios {name} in {TESTS / 'scenarios'}")
    options.weft = options.build / "tests" / "weft_conformance"
    if options.record:
        record()
        return 0
    good = True
    if areas or not options.names:
        good = run_scenarios(options, areas)
    if "random" in options.names or not options.names:
        good = run_random(options) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
