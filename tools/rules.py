#!/usr/bin/env python3
"""Which of asyncio's rules (docs/semantics.md) weft keeps, and which tests say so: docs/conformance.md.

    rules.py                   writes docs/conformance.md
    rules.py --check           fails if it is not up to date, if a rule has neither a test nor a reason, if a test names
                               a rule that does not exist, or if a listed break no longer fits its file or its test
    rules.py --break [N...]    breaks the library as listed, one line at a time, and shows that a test fails (breaks.py)

A test names its rules: TEST_CASE("rule 62: ...", "rules 1, 2 and 5 to 7: ..."), @rules(...) for a scenario. A rule is kept
if one of its tests is a scenario, whose expected trace comes from CPython, or if a listed break makes its test fail:
a test that cannot fail proves nothing. tests/conformance/rules.toml has the rules that weft departs from or that mean
nothing in C++, breaks.toml the breaks, cpython.toml CPython's own tests.
"""
import argparse
import collections
import dataclasses
import importlib.util
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFORMANCE = ROOT / "tests" / "conformance"
LAST = 244  # the rules behind this one belong to a later milestone

NUMBERS = re.compile(r"\brules? (\d+(?:(?:, and | and | to |, )\d+)*)")
TEST_CASE = re.compile(r'TEST_CASE(?:_FIXTURE|_TEMPLATE)?\((?:\w+, )?\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
CPYTHON = re.compile(r"//\s*cpython: ([\w., ]+)")


@dataclasses.dataclass(frozen=True)
class Test:
    """A doctest case (file is its path without .cpp, below tests/) or a scenario (area.name, no file)."""
    name: str
    file: str = ""
    rules: tuple = ()
    cpython: tuple = ()
    golden: bool = False

    def __str__(self):
        return f"{self.file}: {self.name}" if self.file else self.name


@dataclasses.dataclass(frozen=True)
class Break:
    rules: tuple
    file: str
    old: str
    new: str
    test: str
    timeout: int = 20


class Book:
    """All that the files say, and what is wrong with it."""

    def __init__(self, root=ROOT):
        self.root = root
        self.problems = []
        self.sections = read_sections((root / "docs" / "semantics.md").read_text())
        self.rules = {rule for _, rules in self.sections for rule in rules}
        self.scenarios = list(read_scenarios(root))
        self.cases = list(read_cases(root))
        table = load(root, "rules.toml")
        self.departed = numbered(table.get("departed", {}))
        self.meaningless = numbered(table.get("meaningless", {}))
        self.breaks = [Break(**entry | {"rules": tuple(entry["rules"])})
                       for entry in load(root, "breaks.toml").get("break", [])]
        self.cpython = load(root, "cpython.toml")
        self.tests = collections.defaultdict(list)
        for test in self.scenarios + self.cases:
            for rule in test.rules:
                self.tests[rule].append(test)
                if rule not in self.rules:
                    self.problems.append(f"{test}: there is no rule {rule} in docs/semantics.md")
        self.broken = collections.defaultdict(list)
        for entry in self.breaks:
            for rule in entry.rules:
                self.broken[rule].append(entry)

    def find(self, reference):
        """The tests that a reference means: "area.scenario", or "sync/task_test: the beginning of a name"."""
        file, colon, name = reference.partition(": ")
        if colon and "/" in file:
            return [case for case in self.cases if case.file == file and case.name.startswith(name)]
        return [scenario for scenario in self.scenarios if scenario.name == reference]

    def state(self, rule):
        if rule in self.meaningless:
            return "meaningless"
        if rule in self.departed:
            return "departed"
        if self.broken.get(rule) or any(test.golden for test in self.tests[rule]):
            return "kept"
        return "unproven" if self.tests[rule] else "open"

    def check(self):
        problems = list(self.problems)
        for rule in sorted(rule for rule in self.rules if rule <= LAST):
            if self.state(rule) == "open":
                problems.append(f"rule {rule} has neither a test nor a reason (tests/conformance/rules.toml)")
        for rule, record in self.departed.items():
            paths = sorted(self.root.glob(f"docs/decisions/{record}-*.md"))
            if not paths or not re.search(rf"\b{rule}\b", paths[0].read_text()):
                problems.append(f"rule {rule} is departed from, but decision record {record} does not name it")
        for entry in self.breaks:
            text = (self.root / entry.file).read_text() if (self.root / entry.file).exists() else ""
            if text.count(entry.old) != 1:
                problems.append(f"break of {plural(entry.rules)}: {text.count(entry.old)} times in {entry.file}: "
                                f"{entry.old!r}")
            tests = self.find(entry.test)
            named = {rule for test in tests for rule in test.rules}
            if not tests:
                problems.append(f"break of {plural(entry.rules)}: there is no test {entry.test!r}")
            elif not set(entry.rules) <= named:
                problems.append(f"break of {plural(entry.rules)}: {entry.test!r} does not name them")
        return problems + check_cpython(self)


def plural(rules):
    return ("rule " if len(rules) == 1 else "rules ") + ", ".join(map(str, rules))


def load(root, name):
    path = root / "tests" / "conformance" / name
    return tomllib.loads(path.read_text()) if path.exists() else {}


def numbered(table):
    """{"7": x, "51, 52": y} with numbers as keys."""
    return {int(rule): value for rules, value in table.items() for rule in rules.split(",")}


def read_sections(text):
    """[(title, [rules])] of docs/semantics.md."""
    sections = []
    for line in text.splitlines():
        if heading := re.match(r"## (\d+\. .*)", line):
            sections.append((heading[1], []))
        elif (rule := re.match(r"(\d+)\. ", line)) and sections:
            sections[-1][1].append(int(rule[1]))
    return sections


def rules_in(name):
    """The rules that a test's name names, in their order."""
    found = []
    for group in NUMBERS.finditer(name):
        for part in re.split(r", and | and |, ", group[1]):
            first, _, last = part.partition(" to ")
            found += range(int(first), int(last or first) + 1)
    return tuple(found)


def read_cases(root):
    for path in sorted((root / "tests").glob("*/*_test.cpp")):
        file = str(path.relative_to(root / "tests").with_suffix(""))
        text = path.read_text()
        cases = list(TEST_CASE.finditer(text))
        marks = collections.defaultdict(list)  # case -> CPython's tests: the comment stands above or inside
        for mark in CPYTHON.finditer(text):
            above = text[mark.end():].lstrip()
            while above.startswith("//"):
                above = above.partition("\n")[2].lstrip()
            before = [case for case in cases if case.start() < mark.start()]
            after = [case for case in cases if case.start() > mark.start()]
            owner = after[0] if above.startswith("TEST_CASE") else before[-1]
            marks[owner] += re.findall(r"test_\w+\.\w+", mark[1])
        for case in cases:
            name = re.sub(r'"\s*"', "", case[1].strip())[1:-1].replace('\\"', '"')
            yield Test(name, file, rules_in(name), tuple(marks[case]))


def read_scenarios(root):
    folder = root / "tests" / "conformance"
    differs = golden_test(folder).OPEN
    for path in sorted((folder / "scenarios").glob("*.py")):
        twin = path.with_suffix(".cpp")
        cpp = twin.read_text() if twin.exists() else ""
        found = re.finditer(r"^@rules\(([\d, ]+)\)\n(?:async )?def (\w+)\(log\):", path.read_text(), re.MULTILINE)
        for scenario in found:
            name = f"{path.stem}.{scenario[2]}"
            if re.search(rf"SCENARIO\(\s*{scenario[2]},", cpp):
                yield Test(name, rules=tuple(map(int, scenario[1].split(","))), golden=name not in differs)


def golden_test(folder):
    spec = importlib.util.spec_from_file_location("golden_test", folder / "golden_test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- CPython's own tests ----------------------------------------------------------------------------------------------

def cpython_states(book):
    """{file: {test: (state, evidence)}} with the states covered, not and open."""
    marked = collections.defaultdict(list)
    for case in book.cases:
        for mark in case.cpython:
            marked[mark.replace(".test_", ".")].append(str(case))
    states = {}
    for file, entry in book.cpython.items():
        states[file] = {}
        for name in entry["portable"]:
            covered = entry.get("covered", {}).get(name, [])
            covered = ([covered] if isinstance(covered, str) else covered) + marked[f"{file}.{name}"]
            reason = entry.get("not", {}).get(name)
            states[file][name] = ("covered", covered) if covered else ("not", reason) if reason else ("open", None)
    return states


def check_cpython(book):
    problems = []
    known = {f"{file}.{name}" for file, entry in book.cpython.items() for name in entry["portable"]}
    for file, entry in book.cpython.items():
        for name in [*entry.get("covered", {}), *entry.get("not", {})]:
            if f"{file}.{name}" not in known:
                problems.append(f"cpython.toml: {file}.{name} is not in the list of portable tests")
        for name, references in entry.get("covered", {}).items():
            for reference in [references] if isinstance(references, str) else references:
                if not book.find(reference):
                    problems.append(f"cpython.toml: {file}.{name}: there is no test {reference!r}")
    for case in book.cases:
        for mark in case.cpython:
            file = mark.partition(".")[0]
            if file in book.cpython and mark.replace(".test_", ".") not in known:
                problems.append(f"{case}: {mark} is not in the list of portable tests (cpython.toml)")
    return problems


# --- the document -----------------------------------------------------------------------------------------------------

STATES = ("kept", "departed", "meaningless", "unproven", "open")


def totals(book, rules):
    counts = collections.Counter(book.state(rule) for rule in rules)
    return " | ".join([str(len(rules)), *(str(counts[state]) for state in STATES)])


def evidence(book, rule):
    parts = []
    scenarios = [test for test in book.tests[rule] if not test.file]
    if scenarios:
        parts.append("CPython's traces: " + ", ".join(f"`{test.name}`" + ("" if test.golden else " (**differs**)")
                                                      for test in scenarios))
    files = collections.defaultdict(list)
    for test in book.tests[rule]:
        if test.file:
            files[test.file].append(test.name)
    parts += [f"{file}.cpp: " + "; ".join(f'"{name}"' for name in names) for file, names in files.items()]
    if count := len(book.broken.get(rule, ())):
        parts.append(f"{count} break{'s' if count > 1 else ''}")
    return "<br>".join(parts).replace("|", "\\|")


def describe(book, rule):
    state = book.state(rule)
    if state == "meaningless":
        return f"meaningless: {book.meaningless[rule]}"
    if state == "departed":
        record = sorted(book.root.glob(f"docs/decisions/{book.departed[rule]}-*.md"))
        return f"departed, [{book.departed[rule]}](decisions/{record[0].name})" if record else "departed"
    return state


def document(book):
    first = [(title, rules) for title, rules in book.sections if rules and rules[0] <= LAST]
    later = [(title, rules) for title, rules in book.sections if rules and rules[0] > LAST]
    everything = [rule for _, rules in first for rule in rules]
    lines = [
        "# Conformance with asyncio", "",
        "Written by `./run rules`, checked by the test conformance.rules: do not edit. The rules are those of",
        "[semantics.md](semantics.md).", "",
        "* **kept**: a scenario gives the trace that CPython 3.14.2 gave, or a listed one-line break of the library makes",
        "  the rule's test fail (`./run rules --break`).",
        "* **departed**: weft does something else on purpose; the decision record says what and why.",
        "* **meaningless** in C++, with the reason. **unproven**: tested, but neither of the two above. **open**: nothing.",
        "", "| section | rules | " + " | ".join(STATES) + " |", "|---" * (2 + len(STATES)) + "|",
        *(f"| {title} | {totals(book, rules)} |" for title, rules in first),
        f"| **1 to {LAST}** | {totals(book, everything)} |", "",
        f"{len(book.scenarios)} scenarios are compared with CPython's traces, "
        f"{sum(not scenario.golden for scenario in book.scenarios)} of them are known to differ; "
        f"{len(book.breaks)} breaks are listed.", "",
    ]
    lines += document_cpython(book)
    for title, rules in first + later:
        shown = [rule for rule in rules if rule <= LAST or book.tests[rule]]
        if shown:
            lines += [f"## {title}", "", "| rule | state | tests |", "|---|---|---|",
                      *(f"| {rule} | {describe(book, rule)} | {evidence(book, rule)} |" for rule in shown), ""]
    if later:
        lines += [f"Rules {LAST + 1} and up belong to later milestones; only those with tests are listed.", ""]
    return "\n".join(lines).rstrip() + "\n"


def document_cpython(book):
    states = cpython_states(book)
    if not states:
        return []
    lines = ["## CPython's own tests", "",
             "Of the tests of asyncio in CPython (union of 3.11.7 to 3.13.0, and some of 3.14) those whose behaviour can be had in",
             "C++, by file: covered by a test here, or not, with the reason.", "",
             "| file | covered | not | open |", "|---|---|---|---|"]
    sums = collections.Counter()
    for file, tests in states.items():
        counts = collections.Counter(state for state, _ in tests.values())
        sums += counts
        lines.append(f"| {file} | {counts['covered']} of {len(tests)} | {counts['not']} | {counts['open']} |")
    total = sum(sums.values())
    lines += [f"| **all** | {sums['covered']} of {total} | {sums['not']} | {sums['open']} |", ""]
    for file, tests in states.items():
        lines += [f"### {file}", "", "| test | by |", "|---|---|"]
        for name, (state, what) in tests.items():
            by = "**open**" if state == "open" else f"not: {what}" if state == "not" else "; ".join(
                f"`{test}`" if ": " not in test else test for test in what)
            lines.append(f"| {name} | {by} |".replace("\n", " "))
        lines.append("")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--break", action="store_true", dest="breaks")
    parser.add_argument("numbers", nargs="*", type=int, help="only the breaks of these rules")
    options = parser.parse_args()
    if options.numbers and not options.breaks:
        parser.error("rule numbers go with --break")
    book = Book()
    problems = book.check()
    if options.breaks:
        import breaks
        for problem in (problem for problem in problems if problem.startswith("break")):
            print(problem)
        sys.exit(breaks.run(book, options.numbers))
    path = ROOT / "docs" / "conformance.md"
    text = document(book)
    if not options.check:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        problems.append("docs/conformance.md is not up to date: ./run rules writes it")
    for problem in problems:
        print(f"rules: {problem}")
    counts = collections.Counter(book.state(rule) for rule in book.rules if rule <= LAST)
    print("rules: " + ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]))
    for state in ("unproven", "open"):
        if counts[state]:
            print(f"rules: {state}: " + " ".join(str(r) for r in sorted(book.rules) if r <= LAST and book.state(r) == state))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
