"""./run rules --break: breaks the library as tests/conformance/breaks.toml lists, and shows that the test named fails.

All of it happens in build/rules: tree/ is a copy of the working tree's sources, obj/ has objects of the library and of
single test files, out/ the programs. A break never changes the tree. A broken .cpp is compiled from a copy of its own
and takes the place of one object; a broken header is laid over the tree's for the compiler, and only the test's file
is compiled with it: nothing is inlined at -O0, so the linker takes the broken functions, which come first. If the test
passes so, everything that includes the header is compiled again before the break counts as not caught.

A test that hangs or crashes has failed. A test that passes, a break that does not compile and a text that is not found
are errors, and so is a test that fails without any break.
"""
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import time

CORE = ("scheduler", "sync")  # these two rooms are built and tested without Boost
COMPILER = "clang++-19"
FLAGS = "-std=c++20 -O0 -g0 -DSPDLOG_COMPILED_LIB -DSPDLOG_SHARED_LIB -DSPDLOG_FMT_EXTERNAL -DFMT_SHARED -I.".split()
LIBRARIES = ("-pthread", "-lspdlog", "-lfmt", "-ltbb")
JOBS = int(os.environ.get("WEFT_JOBS", os.cpu_count()))


@dataclasses.dataclass(frozen=True)
class Program:
    """What one test needs: linked from the objects of these sources, run with arguments, judged."""
    name: str
    sources: tuple  # the test's own file first
    arguments: tuple = ()
    golden: str = ""  # what it has to print, for a scenario; otherwise its exit code counts

    def run(self, program, timeout):
        """How it failed, or "passes"."""
        try:
            ended = subprocess.run([program, *self.arguments], capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return "hangs"
        if ended.returncode < 0:
            return f"dies of signal {-ended.returncode}"
        if self.golden:
            return "passes" if ended.returncode == 0 and ended.stdout == self.golden else "another trace"
        return "passes" if ended.returncode == 0 else "fails"


class Workshop:
    def __init__(self, root):
        self.root = root
        self.folder = root / "build" / "rules"
        self.tree = self.folder / "tree"
        self.copy_tree()
        self.linker = ["-fuse-ld=lld"] if shutil.which("ld.lld") else []
        self.includers = {}

    def copy_tree(self):
        """Only what differs is written: times decide what Ninja builds again."""
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root, capture_output=True,
                                text=True, check=True).stdout.split("\n")
        wanted = {name for name in listed if name.endswith((".hpp", ".cpp")) and (self.root / name).exists()}
        for path in list(self.tree.rglob("*.?pp")):
            if str(path.relative_to(self.tree)) not in wanted:
                path.unlink()
        for name in wanted:
            source, copy = self.root / name, self.tree / name
            if not copy.exists() or copy.read_bytes() != source.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)

    def list_sources(self, *folders):
        return [str(path.relative_to(self.tree)) for folder in folders
                for path in sorted((self.tree / folder).glob("*.cpp"))]

    def program(self, book, reference):
        test = book.find(reference)[0]
        if not test.file:
            area, name = test.name.split(".")
            sources = [f"tests/conformance/scenarios/{area}.cpp", "tests/conformance/scenarios/trace.cpp"]
            golden = (self.root / "tests" / "conformance" / "golden" / f"{area}.txt").read_text()
            trace = golden.partition(f"\n== {name}\n")[2].partition("\n== ")[0].rstrip("\n")
            return Program(f"scenarios_{area}", (*sources, *self.list_sources(*CORE, "io", "api")), (test.name,),
                           f"== {test.name}\n{trace}\n")
        library = CORE if test.file.split("/")[0] in CORE else (*CORE, "io", "api")
        pattern = reference.partition(": ")[2].replace(",", "?") + "*"  # a comma would end doctest's pattern
        sources = [f"tests/{test.file}.cpp", "tests/main.cpp", *self.list_sources("tests/support", *library)]
        return Program(test.file.replace("/", "_"), tuple(sources), (f"--test-case={pattern}",))

    @staticmethod
    def object_of(source):
        return "obj/" + source.removesuffix(".cpp").replace("/", ".") + ".o"

    def build_unbroken(self, programs):
        """None, or what the compiler says."""
        launcher = "ccache " if shutil.which("ccache") else ""
        lines = ["rule cxx", f"  command = {launcher}{COMPILER} {' '.join(FLAGS)} -MMD -MF $out.d -c $in -o $out",
                 "  depfile = $out.d", "  deps = gcc", "rule link",
                 f"  command = {COMPILER} {' '.join(self.linker)} $in {' '.join(LIBRARIES)} -o $out"]
        for source in sorted({source for program in programs for source in program.sources}):
            lines.append(f"build ../{self.object_of(source)}: cxx {source}")
        for name, sources in {program.name: program.sources for program in programs}.items():
            lines.append(f"build ../out/{name}: link {' '.join(f'../{self.object_of(source)}' for source in sources)}")
        (self.folder / "build.ninja").write_text("\n".join(lines) + "\n")
        ended = subprocess.run(["ninja", "-f", "../build.ninja", "-j", str(JOBS)], cwd=self.tree, capture_output=True,
                               text=True, env=os.environ | {"CCACHE_BASEDIR": str(self.tree), "CCACHE_NOHASHDIR": "1"})
        if ended.returncode != 0:
            return (ended.stdout + ended.stderr)[-3000:]
        listed = subprocess.run(["ninja", "-f", "../build.ninja", "-t", "deps"], cwd=self.tree, capture_output=True,
                                text=True, check=True).stdout
        for block in listed.split("\n\n"):
            target, *headers = block.split("\n")
            for header in headers:
                self.includers.setdefault(header.strip(), set()).add(target.partition(":")[0].removeprefix("../"))
        return None

    def try_break(self, entry, program, number):
        text = (self.tree / entry.file).read_text()
        if text.count(entry.old) != 1:
            return "TEXT NOT FOUND"
        folder = self.folder / "broken" / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        copy = folder / pathlib.Path(entry.file).name
        copy.write_text(text.replace(entry.old, entry.new))
        try:
            if entry.file.endswith(".cpp"):
                return self.judge(entry, program, folder, {entry.file: copy}, [])
            overlay = folder / "overlay.json"
            overlay.write_text(json.dumps({"version": 0, "use-external-names": False, "roots": [
                {"type": "file", "name": str(self.tree / entry.file), "external-contents": str(copy)}]}))
            flags = ["-ivfsoverlay", str(overlay)]
            result = self.judge(entry, program, folder, {program.sources[0]: program.sources[0]}, flags)
            if result != "passes":
                return result
            users = [source for source in program.sources if self.object_of(source) in self.includers[entry.file]]
            return self.judge(entry, program, folder, {source: source for source in users}, flags)
        finally:
            shutil.rmtree(folder)

    def judge(self, entry, program, folder, compiled, flags):
        """Compiles {source: file to compile} anew, links and runs."""
        objects = []
        for source in program.sources:
            if source not in compiled:
                objects.append(self.folder / self.object_of(source))
                continue
            objects.append(folder / pathlib.Path(self.object_of(source)).name)
            command = [COMPILER, *FLAGS, *flags, "-w", "-c", compiled[source], "-o", objects[-1]]
            ended = subprocess.run(command, cwd=self.tree, capture_output=True, text=True)
            if ended.returncode != 0:
                return "DOES NOT COMPILE\n" + ended.stderr[:3000]
        subprocess.run([COMPILER, *self.linker, *objects, *LIBRARIES, "-o", folder / "program"], cwd=self.tree, check=True)
        return program.run(folder / "program", entry.timeout)


def run(book, numbers):
    """The exit code."""
    chosen = [entry for entry in book.breaks if not numbers or set(numbers) & set(entry.rules)]
    bad = 0
    for entry in chosen:
        if not book.find(entry.test):
            print(f"rules {entry.rules}: there is no test {entry.test!r}")
            bad += 1
    chosen = [entry for entry in chosen if book.find(entry.test)]
    if not chosen:
        print("rules: there is no such break")
        return 1
    began = time.monotonic()
    workshop = Workshop(book.root)
    programs = {entry: workshop.program(book, entry.test) for entry in chosen}
    print(f"rules: building {len({program.name for program in programs.values()})} programs without a break", flush=True)
    if error := workshop.build_unbroken(programs.values()):
        print(error)
        return 1
    for program in dict.fromkeys(programs.values()):
        how = program.run(workshop.folder / "out" / program.name, 60)
        if how != "passes":
            print(f"BAD {program.name} {' '.join(program.arguments)}: {how} without a break")
            bad += 1
    print(f"rules: {time.monotonic() - began:.0f} s; now {len(chosen)} breaks", flush=True)

    def attempt(numbered):
        number, entry = numbered
        started = time.monotonic()
        return entry, workshop.try_break(entry, programs[entry], number), time.monotonic() - started

    results = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for entry, result, seconds in pool.map(attempt, enumerate(chosen)):
            caught = result in ("fails", "hangs", "another trace") or result.startswith("dies")
            results["caught" if caught else "not caught"] += 1
            print(f"{'ok ' if caught else 'BAD'} {', '.join(map(str, entry.rules)):>14}  {entry.file:<28} {seconds:5.1f} s  "
                  f"{result}: {entry.test}", flush=True)
            if not caught:
                print(f"      - {entry.old}\n      + {entry.new}", flush=True)
    print(f"rules: {results['caught']} breaks caught, {results['not caught']} not, {time.monotonic() - began:.0f} s")
    return 1 if bad or results["not caught"] else 0
