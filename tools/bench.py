#!/usr/bin/env python3
"""weft beside its peers: every problem of bench/peers on every framework that is installed, interleaved, verified.

Writes build/report/bench.json: {"rows": [...], "machine": {...}, "goals": [...], "compile": {...}, "profile": [...]},
bench.md and one SVG a problem, and prints the tables. Exit codes: 0 all measured, 1 something failed or gave a wrong
answer, 2 a senseless command line. Goals that are missed are shown, but are no failure: a shared machine may be busy.

A row is one framework on one problem with one number of loops; times are nanoseconds per item, the median, least and
greatest of the rounds; `ratio` is weft's median divided by the row's; `efficiency` is T1 / (n * Tn) of the framework's own;
`cpu_ns` is a server's processor time per item.
A problem whose time says nothing names its `figures` instead, and its rows have them, medians of the rounds, under that key.

All of it is built by the compiler of --build, clang. With `--compilers clang,gcc` what the compiler is everything for, weft
and the sequential programs, is measured as g++ builds it, too, in the same turns: "rows_gcc", of the same shape with
"compiler": "g++" and, for weft, `per_clang`, its median divided by that of the row in "rows"; "compile_gcc"; and of each
goal `value_gcc` and `met_gcc`, g++'s weft beside the same peers. The loads of servers are always clang's.
"""
import argparse
import collections
import functools
import itertools
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import threading
import time
import tomllib

import goals
import plot
import work_span
from machine import describe, output_of, setting, usable_cores
from server import Failure, under_load

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
REPORT = ROOT / "build" / "report"
PYTHON = "/usr/bin/python3"  # Debian's, which sees Debian's packages
LIMIT_S = 150  # of one program: only a hang gets there
SKIPPED = 3  # a program's exit code: the framework cannot keep the problem's promise

# What brings it, as Debian package; and whether it has one loop only.
Framework = collections.namedtuple("Framework", "package single")
FRAMEWORKS = {
    "weft": Framework("", False),
    "sequential": Framework("", True),
    "onetbb": Framework("libtbb-dev", False),
    "openmp": Framework("g++-12", False),
    "asio": Framework("libboost1.81-dev", False),
    "boost_fiber": Framework("libboost-fiber1.81-dev", False),
    "go": Framework("golang-go", False),
    "tokio": Framework("librust-tokio-dev", False),
    "rayon": Framework("librust-rayon-dev", False),
    "asyncio": Framework("python3", True),
    "uvloop": Framework("python3-uvloop", True),
    "libuv": Framework("libuv1-dev", True),
    "raw_epoll": Framework("", True),
}
COMPILERS = ["clang", "gcc"]
OVERSUBSCRIBED = [8, 32]  # weft's loops on whatever cores there are


def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


class Problem:
    """One folder of bench/peers: its parameters are the toml at the head of problem.md."""

    def __init__(self, name):
        self.name = name
        text = (PEERS / name / "problem.md").read_text()
        found = re.search(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        self.data = tomllib.loads(found.group(1)) if found else None
        self.title = text.splitlines()[0].removeprefix("# ")

    def variants(self):
        return [f"{self.name}.{variant}" for variant in self.data.get("variants", [])] or [self.name]

    def is_served(self):
        """Its programs are servers, driven by a `load`; else they measure themselves."""
        return "load" in self.data

    def programs(self, variant):
        """The commands of a variant that has programs of its own, by framework; else None."""
        return self.data.get("programs", {}).get(variant.partition(".")[2])

    def size(self, framework, quick):
        full, small = self.data.get("sizes", {}).get(framework, (self.data["full"], self.data["quick"]))
        return small if quick else full

    def rounds(self, quick):
        """A quick run has fewer of a problem that takes its time whatever its size."""
        return self.data.get("quick_rounds", 3) if quick else 7

    def items(self, size):
        return eval(self.data["items"], {"fib": fib, "size": size})

    def answer(self, size):
        return eval(self.data["answer"], {"fib": fib, "size": size})


def problems():
    return {path.parent.name: problem for path in sorted(PEERS.glob("*/problem.md"))
            if (problem := Problem(path.parent.name)).data}


class Contender:
    """One framework on one variant of a problem with one number of loops, and what its rounds gave."""

    def __init__(self, problem, variant, framework, loops, command, size, build, compiler=None):
        self.problem, self.variant, self.framework, self.loops = problem, variant, framework, loops
        self.command, self.size = command, size
        self.build = build  # where the load is
        self.compiler = compiler  # if it is not the one of all the others
        self.ns, self.rss, self.bytes, self.cpu_ns = [], 0, None, []
        self.figures = {name: [] for name in problem.data.get("figures", [])}
        self.failure = None

    def __str__(self):
        built = f" by {self.compiler}" if self.compiler else ""
        return f"{self.variant}, {self.framework}{built}, {self.loops} loops"

    def filled(self, command, **more):
        """A command with what stands for {loops}, {size} and so on in its words."""
        values = {"build": self.build, "peers": PEERS, "loops": self.loops, "size": self.size,
                  "variant": self.variant.partition(".")[2], **more}
        name = re.compile("{(" + "|".join(values) + ")}")
        return [name.sub(lambda found: str(values[found[1]]), word) for word in command]

    def run(self):
        """One round. A framework that says it cannot is left out; every other failure is one."""
        environment = {**os.environ, "PYTHONPATH": str(PEERS), "PYTHONDONTWRITEBYTECODE": "1"}
        if self.framework == "uvloop":
            environment["BENCH_EVENT_LOOP"] = "uvloop"
        report = (self.run_server if self.problem.is_served() else self.run_program)(environment)
        if report is None:
            return
        expected = self.problem.answer(self.size)
        if report["answer"] != expected:
            raise Failure(f"{self}: wrong answer {report['answer']}, expected {expected}")
        self.ns.append(statistics.median(report["ns"]) / self.problem.items(self.size))
        self.rss = max(self.rss, report["rss"])
        if "bytes" in report:
            self.bytes = report["bytes"]
        if "cpu_ns" in report:
            self.cpu_ns.append(report["cpu_ns"])
        for name, values in self.figures.items():
            values.append(report[name])

    def run_program(self, environment):
        """Its report; None if it says that it cannot."""
        command = self.filled(self.command)
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        hang = threading.Timer(LIMIT_S, child.kill)
        hang.start()
        out, err = child.stdout.read(), child.stderr.read()
        child.wait()
        if not hang.is_alive():
            raise Failure(f"{self}: no end after {LIMIT_S} s")
        hang.cancel()
        if child.returncode == SKIPPED:
            self.failure = err.strip()
            return None
        if child.returncode != 0:
            raise Failure(f"{self}: {' '.join(command)} ended with {child.returncode}: {err.strip()[-300:]}")
        return json.loads(out)

    def run_server(self, environment):
        """The report of its load."""
        data = self.problem.data
        load = lambda port: self.filled(shlex.split(data["load"]), port=port)
        try:
            return under_load(self.filled(self.command), load, environment, LIMIT_S, data.get("page"))
        except Failure as failure:
            raise Failure(f"{self}: {failure}") from failure

    def row(self):
        row = {
            "problem": self.variant, "framework": self.framework, "loops": self.loops,
            "item": self.problem.data["item"], "size": self.size, "rounds": len(self.ns),
            "median_ns": round(statistics.median(self.ns), 4), "min_ns": round(min(self.ns), 4),
            "max_ns": round(max(self.ns), 4), "rss_bytes": self.rss,
        }
        if self.bytes is not None:
            row["bytes"] = round(self.bytes, 1)
        if self.cpu_ns:
            row["cpu_ns"] = round(statistics.median(self.cpu_ns), 1)
        if self.figures:
            row["figures"] = {name: round(statistics.median(values), 6) for name, values in self.figures.items()}
        if self.compiler is not None:
            row["compiler"] = self.compiler
        return row


def command_of(build, problem, variant, framework):
    """How to start it, with {build}, {loops} and so on to be filled in; None if it is not written or not built."""
    programs = problem.programs(variant)
    program = program_of(problem.name, framework) if programs is None else shlex.split(programs.get(framework, ""))
    if not program or not os.path.exists(in_build(build, program)[0]):
        return None
    if programs is not None:
        return program
    if problem.is_served():
        return [*program, "{loops}"]
    return [*program, "{loops}", "{size}"] + (["{variant}"] if "." in variant else [])


def in_build(build, command):
    return [word.replace("{build}", str(build)) for word in command]


def program_of(problem, framework):
    if framework in ("asyncio", "uvloop"):
        path = PEERS / problem / "asyncio.py"
        if not path.exists() or (framework == "uvloop" and not has_uvloop()):
            return None
        return [PYTHON, "-P", str(path)]
    folder = "{build}/bench/rust/release" if framework in ("tokio", "rayon") else "{build}/bench"
    return [f"{folder}/{problem}_{framework}"]


@functools.cache
def has_uvloop():
    return subprocess.run([PYTHON, "-c", "import uvloop"], capture_output=True).returncode == 0


def written(problem, variant, framework):
    if (programs := problem.programs(variant)) is not None:
        return framework in programs
    stem = "asyncio" if framework == "uvloop" else framework
    return any(PEERS.glob(f"{problem.name}/{stem}.*"))


def contenders(problem, options):
    """Of each variant; frameworks with the same number of loops follow each other."""
    found, skipped = [], set()
    for framework, variant in itertools.product(options.frameworks, problem.variants()):
        command = command_of(options.build, problem, variant, framework)
        if command is None:
            if written(problem, variant, framework):
                skipped.add(framework)
            continue
        builds = {None: options.build}
        if "gcc" in options.compilers and framework in ("weft", "sequential"):
            builds["g++"] = options.gcc_build
        counts = [1] if FRAMEWORKS[framework].single else options.loops
        if framework == "weft" and options.oversubscribed:
            counts = [*counts, *OVERSUBSCRIBED]
        size = problem.size(framework, options.quick)
        found += [Contender(problem, variant, framework, loops, in_build(build, command), size, options.build, compiler)
                  for loops in counts for compiler, build in builds.items()]
    found.sort(key=lambda one: (one.variant, one.loops, list(FRAMEWORKS).index(one.framework)))
    return found, skipped


class Progress:
    """A line on a terminal, overwritten; a line per problem in a log."""

    def __init__(self):
        self.begin = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def seconds(self):
        return time.monotonic() - self.begin

    def problem(self, name):
        if not self.terminal:
            print(f"[{self.seconds():4.0f} s] {name}", file=sys.stderr, flush=True)

    def step(self, text):
        if self.terminal:
            print(f"\r\033[K[{self.seconds():4.0f} s] {text}", end="", file=sys.stderr, flush=True)

    def clear(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def measure(found, rounds, progress, failures):
    """The rounds, A B A B. What fails once is out."""
    for number in range(rounds):
        for contender in found:
            if contender.failure is not None:
                continue
            progress.step(f"round {number + 1} of {rounds}: {contender}")
            try:
                contender.run()
            except (Failure, OSError, ValueError) as error:
                contender.failure = str(error)
                failures.append(str(error))
                progress.clear()
                print(f"bench: FAILED: {error}", file=sys.stderr, flush=True)
    return compare([contender.row() for contender in found if contender.failure is None])


def compare(rows):
    """Each with those of its own compiler. Rows with figures of their own are left as they are."""
    if any("figures" in row for row in rows):
        return rows
    by_key = {(row["problem"], row["framework"], row["loops"], row.get("compiler")): row for row in rows}
    for row in rows:
        of_framework = lambda framework, loops: by_key.get((row["problem"], framework, loops, row.get("compiler")))
        weft = of_framework("weft", row["loops"])
        if weft is not None and row is not weft:
            row["ratio"] = round(weft["median_ns"] / row["median_ns"], 4)
        one = of_framework(row["framework"], 1)
        if one is not None and not FRAMEWORKS[row["framework"]].single:
            row["efficiency"] = round(one["median_ns"] / (row["loops"] * row["median_ns"]), 4)
        clang = by_key.get((row["problem"], "weft", row["loops"], None))
        if row is weft and row is not clang and clang is not None:
            row["per_clang"] = round(row["median_ns"] / clang["median_ns"], 4)
    return rows


# ---- the machine ----------------------------------------------------------------------------------------------------


def describe_machine(build):
    versions = {name: output_of(["dpkg-query", "-W", "-f", "${Version}", framework.package])
                for name, framework in FRAMEWORKS.items() if framework.package}
    return {
        **describe(build),
        "versions": {name: version for name, version in versions.items() if version and " " not in version},
        "go": output_of(["go", "version"]).strip(), "rustc": output_of(["rustc", "--version"]).strip(),
    }


def compile_times(build, rounds):
    """Seconds to compile the header alone and the standard headers that it brings, and their ratio."""
    compiler = setting(build, "CMAKE_CXX_COMPILER")
    command = [compiler, "-std=c++20", "-O0", "-x", "c++", "-c", "-o", "/dev/null", "-I", str(build / "include"), "-"]
    whole = "#include <weft/weft.hpp>\n"
    listed = subprocess.run([compiler, "-std=c++20", "-x", "c++", "-E", "-I", str(build / "include"), "-"],
                            input=whole, capture_output=True, text=True, check=True).stdout
    own = {line.split('"')[1] for line in listed.splitlines() if line.startswith("# ") and '"' in line}
    own = [path for path in own if not path.startswith(("/usr/", "<"))]
    names = set()
    for path in own:
        if os.path.exists(path):
            names |= set(re.findall(r"^#include <([a-z_/.]+)>", pathlib.Path(path).read_text(), re.MULTILINE))
    standard = "".join(f"#include <{name}>\n" for name in sorted(names))
    times = {"weft": [], "standard": []}
    for _ in range(rounds):
        for name, text in (("weft", whole), ("standard", standard)):
            begin = time.perf_counter()
            subprocess.run(command, input=text, text=True, check=True)
            times[name].append(time.perf_counter() - begin)
    weft, plain = (statistics.median(times[name]) for name in ("weft", "standard"))
    return {"weft_s": round(weft, 3), "standard_s": round(plain, 3), "ratio": round(weft / plain, 3),
            "standard_headers": sorted(names)}


# ---- the report -----------------------------------------------------------------------------------------------------


def table(rows):
    """Markdown."""
    head = ["problem", "item", "framework", "loops", "median ns", "min", "max", "weft /", "efficiency", "bytes", "CPU ns",
            "MiB"]
    by_gcc = any("compiler" in row for row in rows)
    head += ["/ clang"] if by_gcc else []
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for row in rows:
        number = lambda key, form: form.format(row[key]) if key in row else ""
        lines.append(" | ".join([
            row["problem"], row["item"], row["framework"], str(row["loops"]), f"{row['median_ns']:.2f}",
            f"{row['min_ns']:.2f}", f"{row['max_ns']:.2f}", number("ratio", "{:.3f}"), number("efficiency", "{:.2f}"),
            number("bytes", "{:.0f}"), number("cpu_ns", "{:.0f}"), f"{row['rss_bytes'] / 2**20:.1f}",
            *([number("per_clang", "{:.3f}")] if by_gcc else [])]))
    return "\n".join(f"| {line} |" for line in lines)


def scaling(rows, cores):
    """weft's time by the number of loops: Markdown. None if it was measured with one number of loops only."""
    times = collections.defaultdict(dict)
    for row in rows:
        if row["framework"] == "weft":
            times[row["problem"]][row["loops"]] = row
    counts = sorted({loops for of_problem in times.values() for loops in of_problem})
    full = max((loops for loops in counts if loops <= cores), default=None)  # one loop a core
    within, beyond = [n for n in counts if 1 < n <= cores], [n for n in counts if n > cores]
    if full is None or counts == [full]:
        return None
    head = ["problem", *(f"ns, {loops} loop{'s' if loops > 1 else ''}" for loops in counts),
            *(f"efficiency, {loops}" for loops in within), *(f"cost of {loops}" for loops in beyond)]
    lines = [head, ["---"] * len(head)]
    for problem, of_problem in times.items():
        line = [f"{of_problem[loops]['median_ns']:.2f}" if loops in of_problem else "" for loops in counts]
        for loops in within:
            found = of_problem.get(loops, {}).get("efficiency")
            line.append("" if found is None else f"{found:.2f}")
        for loops in beyond:
            both = loops in of_problem and full in of_problem
            cost = of_problem[loops]["median_ns"] / of_problem[full]["median_ns"] - 1 if both else None
            line.append("" if cost is None else f"{cost:+.0%}" if cost <= 0.1 else f"**{cost:+.0%}**")
        lines.append([problem, *line])
    of = f"{full} loops, one a core" if full > 1 else "one loop"
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"""

weft's own times; efficiency is T1 / (n * Tn). The cost of oversubscription is beside {of}; bold: more than 10 %."""


def figures_table(rows):
    """Of the problems whose time says nothing: Markdown."""
    lines = [["problem", "framework", "loops", "figures"], ["---"] * 4]
    for row in rows:
        built = f", {row['compiler']}" if "compiler" in row else ""
        figures = ", ".join(f"{name} {value:g}" for name, value in row["figures"].items())
        lines.append([row["problem"], row["framework"] + built, str(row["loops"]), figures])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def timed(rows):
    return [row for row in rows if "figures" not in row]


def in_words(report):
    """bench.md."""
    rows, rows_gcc, cores = report["rows"], report["rows_gcc"], report["machine"]["usable_cores"]
    others = [row for row in rows + rows_gcc if "figures" in row]
    parts = {
        "Times": table(timed(rows)) if timed(rows) else None,
        "Built by g++": table(timed(rows_gcc)) if timed(rows_gcc) else None,
        "Scaling": scaling(timed(rows), cores),
        "Scaling, built by g++": scaling(timed(rows_gcc), cores),
        "Other figures": figures_table(others) if others else None,
        "Goals": goals.table(report["goals"]),
        "Work and span": work_span.table(report["profile"]) if report["profile"] else None,
    }
    return "\n\n".join(f"## {title}\n\n{part}" for title, part in parts.items() if part) + "\n"


def write(report, path):
    """Beside and renamed: a reader never sees half a report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_text(report)
    partial.replace(path)


def numbers(text):
    found = text.split(",")
    if not all(word.isdecimal() and 1 <= int(word) <= 1024 for word in found):
        raise argparse.ArgumentTypeError(f"'{text}': expected numbers from 1 to 1024, separated by commas")
    return sorted({int(word) for word in found})


def names_among(known):
    def parse(text):
        for word in text.split(","):
            if word not in known:
                raise argparse.ArgumentTypeError(f"'{word}': expected some of {', '.join(known)}")
        return text.split(",")

    return parse


def parse_arguments(known):
    parser = argparse.ArgumentParser(description="weft beside its peers; without names all problems.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"a problem: {', '.join(known)}")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench", help="default: build/bench")
    parser.add_argument("--gcc-build", type=pathlib.Path, default=ROOT / "build" / "bench-gcc",
                        help="g++'s; default: build/bench-gcc")
    parser.add_argument("--compilers", type=names_among(COMPILERS), help="default: clang,gcc, with --quick clang")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: within 3 minutes")
    parser.add_argument("--rounds", type=int, help="default: 7, with --quick 3, and 1 where a round takes long")
    parser.add_argument("--loops", type=numbers, help="default: 1 to the number of usable cores, weft also 8 and 32")
    parser.add_argument("--frameworks", type=names_among(FRAMEWORKS), default=list(FRAMEWORKS), help="default: all")
    options = parser.parse_args()
    for name in options.names:
        if name not in known:
            parser.error(f"no problem '{name}', expected some of: {', '.join(known)}")
    options.compilers = options.compilers or (["clang"] if options.quick else COMPILERS)
    if "clang" not in options.compilers:
        parser.error("--compilers gcc: expected clang or clang,gcc; what g++ builds is measured beside the rest")
    for compiler, name, build in zip(COMPILERS, ("--build", "--gcc-build"), (options.build, options.gcc_build)):
        if compiler in options.compilers and not (build / "CMakeCache.txt").exists():
            parser.error(f"{name} {build}: expected a build folder; ./run bench makes one")
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: expected at least 1")
    options.oversubscribed = options.loops is None and not options.quick
    options.loops = options.loops or list(range(1, usable_cores() + 1))
    options.build = options.build.resolve()
    options.gcc_build = options.gcc_build.resolve()
    return options


def main():
    known = problems()
    options = parse_arguments(known)
    by_gcc = "gcc" in options.compilers
    progress = Progress()
    report = {"rows": [], "rows_gcc": [], "machine": describe_machine(options.build)}
    if by_gcc:
        report["machine"]["gcc"] = describe(options.gcc_build)["compiler"]
    failures, missing = [], set()
    for name in options.names or known:
        progress.problem(name)
        found, skipped = contenders(known[name], options)
        missing |= skipped
        rounds = options.rounds or known[name].rounds(options.quick)
        for row in measure(found, rounds, progress, failures):
            report["rows_gcc" if "compiler" in row else "rows"].append(row)
    progress.clear()
    for framework in sorted(missing):
        print(f"skipped: {framework}: not installed, Debian's {FRAMEWORKS[framework].package} brings it", file=sys.stderr)
    if not options.names:
        rounds = 3 if options.quick else 7
        report["compile"] = compile_times(options.build, rounds)
        if by_gcc:
            report["compile_gcc"] = compile_times(options.gcc_build, rounds)
    report["profile"] = work_span.profiles(options, known, report["rows"], failures)
    report["goals"] = goals.judge(report)
    report["failures"] = failures
    write(json.dumps(report, indent=1) + "\n", REPORT / "bench.json")
    text = in_words(report)
    write(text, REPORT / "bench.md")
    for name, drawing in plot.draw(timed(report["rows"])):
        write(drawing, REPORT / "bench" / f"{name}.svg")
    print(text)
    count = len(report["rows"]) + len(report["rows_gcc"])
    print(f"{count} rows in {os.path.relpath(REPORT)}/bench.json, {progress.seconds():.0f} s.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
