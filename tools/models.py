#!/usr/bin/env python3
"""Drives build/release/tests/weft_models, which searches the interleavings of the lock-free core (tests/model).

    models.py prove [TEXT]     one preemption deeper than the tests go, or with old messages where they read none
    models.py table            runs all as the tests do, and writes what they are into docs/verification.md
    models.py mutate [TEXT]    the mutation gate: spoils each access to an atomic that a model meets, in each way there is,
                               and tells which of these mutants no model notices. Without TEXT also: which orders of
                               scheduler/ and sync/ no model meets.

A mutant that survives is an order stronger than needed, or a gap in the models; or its row in docs/orderings.md says what
the explorer cannot produce. The row names file, tag and fault: | scheduler/fork_deque.hpp | D2 | CAS acq_rel -> acquire | why |
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STRONG = re.compile(r"memory_order_(?:acquire|release|acq_rel|seq_cst)")
TAG = re.compile(r"//.*?\b([A-Z]\d+)\b")
ROW = re.compile(r"^\| *([\w/.]+) *\| *(\w+) *\| *([^|]+?) *\|")
COUNTS = re.compile(r"(\S.*?) +(\d+) executions(, complete)? \(")
DOCUMENT = ROOT / "docs" / "verification.md"
MARK = "<!-- what follows is written by tools/models.py table -->\n"
REACH = 3  # lines: a call and its orders


def tag_of(place):
    """The tag beside an access: on its line or one of the next."""
    file, line, _ = place.split(":")
    lines = (ROOT / file).read_text().splitlines()
    for text in lines[int(line) - 1:int(line) - 1 + REACH]:
        if match := TAG.search(text):
            return match[1]
    return "-"


def justified():
    path = ROOT / "docs" / "orderings.md"
    rows = (ROW.match(line) for line in path.read_text().splitlines()) if path.exists() else ()
    return {match.groups() for match in rows if match}


def unmet(places):
    """Where the source spells an order that no model comes by."""
    met = collections.defaultdict(set)
    for place in places:
        file, line, _ = place.split(":")
        met[file].update(range(int(line), int(line) + REACH))
    for path in sorted([*ROOT.glob("scheduler/*.[hc]pp"), *ROOT.glob("sync/*.[hc]pp")]):
        file = str(path.relative_to(ROOT))
        for number, text in enumerate(path.read_text().splitlines(), 1):
            if STRONG.search(text.split("//")[0]) and number not in met[file]:
                yield f"{file}:{number}: {text.strip()}"


def run_gate(program, text):
    """The mutants whose place or fault contains the text, as [place, fault, verdict, model, how]."""
    gate = subprocess.run([program, "mutate", text], stdout=subprocess.PIPE, text=True, check=False)
    if gate.returncode not in (0, 1):
        sys.exit(f"the gate itself failed: '{program.name} mutate' ended with {gate.returncode}, expected 0 or 1")
    mutants = [line.split("\t") for line in gate.stdout.splitlines()]
    if not mutants and gate.returncode != 0:
        sys.exit("the gate did not begin: a model fails as it is (above)")
    if not mutants:
        sys.exit(f"no mutant's place or fault contains {text!r}")
    return mutants


def mutate(program, text):
    mutants = run_gate(program, text)
    reasons = justified()
    score = collections.Counter()
    for place, fault, verdict, *_ in mutants:
        if verdict == "survived" and (place.split(":")[0], tag_of(place), fault) in reasons:
            verdict = "justified"
        if verdict == "survived":
            # In another process memory lies elsewhere: a verdict that depends on it is worth a look, and told.
            _, _, verdict, model, how = run_gate(program, f"{place} {fault}")[0]
            print(f"{place}: {fault} [{tag_of(place)}]"
                  + (f": killed by a second try only: {model}: {how}" if how else ""), flush=True)
        score[verdict] += 1
    gaps = list(unmet({place for place, *_ in mutants})) if not text else []
    for gap in gaps:
        print(f"no model meets {gap}")
    print(f"killed {score['killed']}, justified {score['justified']}, survived {score['survived']}"
          + (f"; {len(gaps)} lines with an order that no model meets" if not text else ""))
    return 1 if score["survived"] or gaps else 0


def pairs(threads):
    """Which verbs meet: those of each thread and those of the others."""
    threads = [[verb.strip() for verb in thread.split(",")] for thread in threads.split("|")]
    for i, ours in enumerate(threads):
        for theirs in threads[i + 1:]:
            for one in ours:
                for other in theirs:
                    yield " × ".join(sorted((one, other)))


def table(program):
    halves = [subprocess.Popen([program, f"--source-file=*/tests/model/{room}/*"], stdout=subprocess.PIPE, text=True)
              for room in ("scheduler", "sync")]
    tested = "".join(half.communicate()[0] for half in halves)
    if any(half.returncode != 0 for half in halves):
        sys.exit(f"a model fails:\n{tested}")
    counts = {match[1].strip(): match for match in map(COUNTS.match, tested.splitlines()) if match}
    rows, races = [], collections.defaultdict(dict)
    listed = subprocess.run([program, "list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for kind, name, threads, limit in sorted(line.split("\t") for line in listed.splitlines()):
        executions = f"{int(counts[name][2]):,}" + ("" if counts[name][3] or limit == "random" else " of more")
        rows.append(f"| {kind} | {name} | {limit} | {executions} |")
        races[kind].update(dict.fromkeys(pairs(threads)))
    total = sum(int(match[2]) for match in counts.values())
    lines = [f"{len(rows)} models, {total:,} executions.", "",
             "| type | which verbs meet in a model |", "| --- | --- |",
             *(f"| {kind} | {'; '.join(met)} |" for kind, met in races.items()), "",
             "| type | model | preemptions | executions |", "| --- | --- | --- | --- |", *rows]
    head, found, _ = DOCUMENT.read_text().partition(MARK)
    if not found:
        sys.exit(f"{DOCUMENT} has no line '{MARK.strip()}'")
    DOCUMENT.write_text(head + MARK + "\n" + "\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description="the models of the lock-free core")
    parser.add_argument("verb", choices=["prove", "mutate", "table"])
    parser.add_argument("text", nargs="?", default="")
    parser.add_argument("--build", required=True, type=pathlib.Path)
    args = parser.parse_intermixed_args()
    program = args.build / "tests" / "weft_models"
    if not program.exists():
        sys.exit(f"{program} is missing: expected a build of the target weft_models")
    if args.verb == "prove":
        sys.exit(subprocess.run([program, "prove", args.text], check=False).returncode)
    if args.verb == "table":
        sys.exit(table(program))
    sys.exit(mutate(program, args.text))


if __name__ == "__main__":
    main()
