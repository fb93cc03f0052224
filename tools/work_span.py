#!/usr/bin/env python3
"""What speed-up weft's fork_join programs allow, by their work and span, and what they have.

usage: work_span.py [--build BUILD] [--quick] [--rounds N] [NAME...]     called by ./run profile

The profile is taken on one loop by build/bench/bench/profile_<problem>, which has the profiler; the speed-up is measured
with <problem>_weft, which has not, on one loop and on two in turns, and twice at once on one loop each: what two programs
that share nothing have together is all that this machine has to give now, busy or not. tools/bench.py has the first two for
its report.
"""
import argparse
import concurrent.futures
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = ["2", "8", "32"]
LIMIT_S = 150  # of one program: only a hang gets there


def names():
    return sorted(path.stem for path in (ROOT / "bench" / "profile").glob("*.cpp"))


def run(program, loops, size):
    """What it printed. Throws subprocess.SubprocessError, OSError or ValueError."""
    done = subprocess.run([program, str(loops), str(size)], capture_output=True, text=True, check=True, timeout=LIMIT_S)
    return json.loads(done.stdout)


def profile(build, problem, quick):
    """The row of a problem (a Problem of bench.py), without what is measured; None if its program is not built."""
    program = build / "bench" / f"profile_{problem.name}"
    if not program.exists():
        return None
    size = problem.size("weft", quick)
    row = run(program, 1, size)
    if (answer := row.pop("answer")) != problem.answer(size):
        raise ValueError(f"{program.name}: wrong answer {answer}, expected {problem.answer(size)}")
    return {"problem": problem.name, "size": size, **row}


def beside(row, one_ns, two_ns):
    """The row with what was measured: a pass on one loop and on two, without the profiler."""
    return {**row, "one_loop_ns": round(one_ns), "measured_2": round(one_ns / two_ns, 3)}


def profiles(options, known, rows, failures):
    """For bench.py: the chosen problems that have a profile, beside the medians in `rows` of its own run."""
    by_key = {(row["problem"], row["loops"]): row for row in rows if row["framework"] == "weft"}
    found = []
    for name in names():
        if name not in (options.names or known):
            continue
        try:
            row = profile(options.build, known[name], options.quick)
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            failures.append(f"profile of {name}: {error}")
            continue
        one, two = by_key.get((name, 1)), by_key.get((name, 2))
        if row is not None and one is not None and two is not None:
            items = known[name].items(row["size"])
            row = beside(row, one["median_ns"] * items, two["median_ns"] * items)
        found += [row] if row is not None else []
    return found


def measured(build, row, rounds):
    """The same by runs of its own, A B C A B C, and what two programs at once have."""
    def passes(loops):
        return statistics.median(run(build / "bench" / f"{row['problem']}_weft", loops, row["size"])["ns"])

    one, two, at_once = [], [], []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            one.append(passes(1))
            two.append(passes(2))
            at_once.append(statistics.mean(pool.map(passes, [1, 1])))
    alone = statistics.median(one)
    return {**beside(row, alone, statistics.median(two)), "limit_2": round(2 * alone / statistics.median(at_once), 3)}


def table(rows):
    """Markdown; nothing without rows."""
    if not rows:
        return ""
    head = ["problem", "work ms", "span us", "parallelism", *[f"on {cores} cores" for cores in CORES],
            "measured on 2 loops", "of two programs", "one loop ms", "strands", "work / strand ns"]
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for row in rows:
        bounds = ["{:.2f} to {:.2f}".format(*row["speed_up"][cores]) for cores in CORES]
        plain = [f"{row[key] / scale:.2f}" if key in row else ""
                 for key, scale in (("measured_2", 1), ("limit_2", 1), ("one_loop_ns", 1e6))]
        lines.append(" | ".join([
            row["problem"], f"{row['work_ns'] / 1e6:.2f}", f"{row['span_ns'] / 1e3:.1f}", f"{row['parallelism']:.1f}",
            *bounds, *plain, str(row["strands"]), f"{row['work_ns'] / row['strands']:.1f}"]))
    return "\n".join(f"| {line} |" for line in lines)


def main():
    import bench  # which imports this module

    parser = argparse.ArgumentParser(description="Work and span of weft's fork_join programs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"a problem: {', '.join(names())}; without, all")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench", help="default: build/bench")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    options = parser.parse_args()
    for name in options.names:
        if name not in names():
            parser.error(f"no profile of '{name}', expected some of: {', '.join(names())}")
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: expected at least 1")
    known, rows = bench.problems(), []
    for name in options.names or names():
        print(f"profile: {name}", file=sys.stderr, flush=True)
        row = profile(options.build, known[name], options.quick)
        if row is None:
            parser.error(f"--build {options.build}: profile_{name} is not there; ./run profile builds it")
        rows.append(measured(options.build, row, options.rounds))
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
