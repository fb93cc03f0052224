#!/usr/bin/env python3
"""docs/conformance.md is up to date, every rule of asyncio has a test or a reason, and the listed breaks still fit: what
`./run rules --check` says. And it does find what is wrong in a small tree where everything is. Nothing is built."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--build")
parser.add_argument("--source", default=pathlib.Path(__file__).resolve().parents[2])
parser.add_argument("--sanitize", default="")
TOOLS = pathlib.Path(parser.parse_args().source).resolve() / "tools"

WRONG = {
    "docs/semantics.md": "## 1. Queue\n\n1. One.\n2. Two.\n3. Three.\n4. Four.\n5. Five.\n6. Six.\n",
    "docs/decisions/0006-departures.md": "rule 6",
    "scheduler/loop.cpp": "twice(); twice(); once();",
    "tests/sync/a_test.cpp": '// cpython: test_tasks.test_sleep, test_tasks.test_unknown\nTEST_CASE("rule 1: said "\n'
                             '          "in two lines") {}\nTEST_CASE("rules 2 to 3, and 9: too many") {}\n',
    "tests/conformance/golden_test.py": 'OPEN = {"area.differs": "why"}\n',
    "tests/conformance/scenarios/area.py": "@rules(2)\ndef agrees(log):\n@rules(3)\nasync def differs(log):\n"
                                           "@rules(4)\ndef only_in_python(log):\n",
    "tests/conformance/scenarios/area.cpp": "SCENARIO(agrees, 2) {}\nSCENARIO(differs, 3) {}\n",
    "tests/conformance/rules.toml": '[departed]\n5 = "0006"\n6 = "0006"\n',
    "tests/conformance/breaks.toml":
        '[[break]]\nrules = [1]\nfile = "scheduler/loop.cpp"\nold = "once"\nnew = ""\ntest = "sync/a_test: rule 1"\n'
        '[[break]]\nrules = [1]\nfile = "scheduler/loop.cpp"\nold = "twice"\nnew = ""\ntest = "sync/a_test: rule 1"\n'
        '[[break]]\nrules = [1]\nfile = "scheduler/loop.cpp"\nold = "once"\nnew = ""\ntest = "area.agrees"\n'
        '[[break]]\nrules = [1]\nfile = "scheduler/loop.cpp"\nold = "once"\nnew = ""\ntest = "area.gone"\n',
    "tests/conformance/cpython.toml": '[test_tasks]\nportable = ["sleep", "wait"]\n[test_tasks.covered]\nwait = "area.gone"\n',
}
FOUND = [
    "sync/a_test: rules 2 to 3, and 9: too many: there is no rule 9 in docs/semantics.md",
    "rule 4 has neither a test nor a reason (tests/conformance/rules.toml)",
    "rule 5 is departed from, but decision record 0006 does not name it",
    "break of rule 1: 2 times in scheduler/loop.cpp: 'twice'",
    "break of rule 1: 'area.agrees' does not name them",
    "break of rule 1: there is no test 'area.gone'",
    "cpython.toml: test_tasks.wait: there is no test 'area.gone'",
    "sync/a_test: rule 1: said in two lines: test_tasks.test_unknown is not in the list of portable tests (cpython.toml)",
]
STATES = ["kept", "kept", "unproven", "open", "departed", "departed"]  # of rules 1 to 6

sys.path.insert(0, str(TOOLS))
import rules  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    for name, text in WRONG.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    book = rules.Book(pathlib.Path(folder))
    found, states = book.check(), [book.state(rule) for rule in range(1, 7)]
    cpython = rules.cpython_states(book)["test_tasks"]
if found != FOUND or states != STATES or cpython["sleep"][0] != "covered":
    sys.exit("tools/rules.py sees in a wrong tree:\n" + "\n".join(found) + f"\n{states} {cpython}")
sys.exit(subprocess.run([sys.executable, str(TOOLS / "rules.py"), "--check"]).returncode)
