"""Makes a program of generator.py smaller, as long as a difference stays."""

import copy
import json

BLOCKS = {"timeout": (3,), "group": (2,), "hold": (2,), "repeat": (2,), "ifdone": (2, 3), "try": (1, 3)}
LISTS = {"gather": 4, "wait": 3, "asc": 4}
# Arguments that may become simpler, and what the simplest is.
PLAIN = {"sleep": {1: 0}, "new": {3: 0}, "tgnew": {4: 0}, "cancel": {2: ""}, "later": {1: 0}, "gather": {3: 0},
         "wait": {2: None}, "asc": {2: None, 3: 1}, "repeat": {1: 1}, "timeout": {2: None}, "sete": {2: 0}, "ret": {1: 0},
         "log": {1: 0}, "setr": {2: 0}, "raise": {1: 0}, "want": {3: 0, 4: 0, 5: None}, "ask": {3: 0}}


def blocks_of(program):
    """Yields every block (a list of statements) of the program, outer ones first."""
    def inside(block):
        yield block
        for statement in block:
            for place in BLOCKS.get(statement[0], ()):
                yield from inside(statement[place])
            if statement[0] == "try":
                for _, handler in statement[2]:
                    yield from inside(handler)

    for part in (1, 2):
        for block in program[part]:
            yield from inside(block)


def smaller(program):
    """Yields programs a little smaller than this one, the boldest first."""
    def changed(change):
        candidate = copy.deepcopy(program)
        change(list(blocks_of(candidate)), candidate)
        return candidate

    blocks = list(blocks_of(program))
    for part in (1, 2):
        for number, block in enumerate(program[part]):
            if block:
                yield changed(lambda _, c: c[part][number].clear())
    for i, block in enumerate(blocks):
        half = len(block) // 2
        if half > 1:
            yield changed(lambda b, _: b[i].__delitem__(slice(0, half)))
            yield changed(lambda b, _: b[i].__delitem__(slice(half, None)))
    for i, block in enumerate(blocks):
        for j, statement in enumerate(block):
            yield changed(lambda b, _: b[i].__delitem__(j))
            for place in BLOCKS.get(statement[0], ()):
                if statement[place]:
                    yield changed(lambda b, _: b[i].__setitem__(slice(j, j + 1), b[i][j][place]))
                    if statement[0] == "try" and place == 3:
                        yield changed(lambda b, _: b[i][j].__setitem__(3, []))
            if statement[0] == "try":
                for k in range(len(statement[2])):
                    yield changed(lambda b, _: b[i][j][2].__delitem__(k))
            place = LISTS.get(statement[0])
            if place is not None and len(statement[place]) > 1:
                for k in range(len(statement[place])):
                    yield changed(lambda b, _: b[i][j][place].__delitem__(k))
            for argument, plain in PLAIN.get(statement[0], {}).items():
                if statement[argument] != plain:
                    yield changed(lambda b, _: b[i][j].__setitem__(argument, plain))


def shrink(program, differ, batch=40):
    """differ(programs) tells which of them show a difference, a list of bools."""
    while True:
        before = json.dumps(program)
        candidates = list(smaller(program))
        candidates.sort(key=lambda c: len(json.dumps(c)))
        for start in range(0, len(candidates), batch):
            some = candidates[start : start + batch]
            bad = [c for c, differs in zip(some, differ(some)) if differs and json.dumps(c) != before]
            if bad:
                program = bad[0]
                break
        else:
            return program
