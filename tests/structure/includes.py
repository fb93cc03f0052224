#!/usr/bin/env python3
"""Keeps the rooms apart: scheduler <- sync <- io <- api (read: is included by).

usage: includes.py ROOT     prints one line per wrong include, exits 1 if there is any

A room includes itself and the rooms left of it, always with the folder: "sync/future.hpp".
<boost/...> stays in io, api/asio.hpp and api/*.cpp; scheduler and sync are tested without it.
<spdlog/...> and <oneapi/...> (oneTBB) stay in .cpp files. Nothing that <weft/weft.hpp> reaches names them or Asio.
scheduler knows no coroutine: its loop only knows Runnable.
examples and bench see what a user sees: <weft/...>, never "sync/future.hpp"; bench/micro sees the tree, as tests do,
of each room what that room may include, and no Boost.
"""
import pathlib
import re
import sys

ROOMS = ["scheduler", "sync", "io", "api"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# What tests and measures the rooms without Boost stays without it, too.
NO_BOOST = ["tests/scheduler", "tests/sync", "tests/support", "tests/compilers", "bench/micro"]

AS_A_USER = ["examples", "bench"]
AS_THE_TREE = "bench/micro"


def includes(path):
    """Yields (line number, '<' or '"', name)."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := INCLUDE.match(line):
            yield number, found[1], found[2]


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".hpp", ".cpp"))


def wrong_edge(room, quote, name):
    """Says what is wrong with the direction of an include from `room`, or None."""
    folder = name.split("/")[0]
    if quote == "<":
        if folder == "weft":
            return 'the tree includes itself as "room/file.hpp"'
        if folder in ROOMS and "/" in name:
            return f'a room is included as "{name}"'
        return None
    if folder not in ROOMS or "/" not in name:
        return f'expected "room/file.hpp" with one of {", ".join(ROOMS)}'
    if ROOMS.index(folder) > ROOMS.index(room):
        return f"{room} may include only {', '.join(ROOMS[:ROOMS.index(room) + 1])}"
    return None


def wrong_library(file, quote, name):
    """Says why this file (relative to the root) may not name that library, or None."""
    room, cpp = file.parts[0], file.suffix == ".cpp"
    if name.startswith("boost/"):
        if not (room == "io" or (room == "api" and (cpp or file.name == "asio.hpp"))):
            return "Boost stays in io, api/asio.hpp and api/*.cpp"
    if name.startswith("spdlog/") and not cpp:
        return "spdlog stays in .cpp files"
    if name.startswith(("oneapi/", "tbb/")) and not cpp:
        return "oneTBB stays in .cpp files"
    if room == "scheduler" and quote == "<" and name == "coroutine":
        return "scheduler knows no coroutine, only Runnable"
    return None


def check_rooms(root):
    for room in ROOMS:
        for path in sources(root / room):
            file = path.relative_to(root)
            for number, quote, name in includes(path):
                for why in (wrong_edge(room, quote, name), wrong_library(file, quote, name)):
                    if why:
                        yield f"{file}:{number}: includes {name}: {why}"
    for folder in NO_BOOST:
        for path in sources(root / folder):
            for number, _, name in includes(path):
                if name.startswith("boost/"):
                    yield f"{path.relative_to(root)}:{number}: includes {name}: no Boost here"
    for folder in AS_A_USER:
        for path in sources(root / folder):
            if path.is_relative_to(root / AS_THE_TREE):
                continue
            for number, quote, name in includes(path):
                if quote == '"' and name.split("/")[0] in ROOMS:
                    yield f"{path.relative_to(root)}:{number}: includes {name}: write <weft/...>"
    for path in sources(root / AS_THE_TREE):
        file = path.relative_to(root / AS_THE_TREE)
        room = file.parts[0] if file.parts[0] in ROOMS else ROOMS[-1]
        for number, quote, name in includes(path):
            in_tree = quote == "<" or name.split("/")[0] in ROOMS
            if why := wrong_edge(room, quote, name) if in_tree else None:
                yield f"{path.relative_to(root)}:{number}: includes {name}: {why}"


def check_public_header(root):
    """Follows api/weft.hpp through the tree and shows the way to a forbidden header."""
    ways = {"api/weft.hpp": "api/weft.hpp"} if (root / "api/weft.hpp").exists() else {}
    todo = list(ways)
    while todo:
        header = todo.pop()
        for number, _, name in includes(root / header):
            if re.match(r"boost/(asio|beast)\b|asio\b|spdlog/|oneapi/|tbb/", name):
                yield f"{header}:{number}: <weft/weft.hpp> reaches {name}: {ways[header]} -> {name}"
            elif name not in ways and (root / name).is_file():
                ways[name] = f"{ways[header]} -> {name}"
                todo.append(name)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: includes.py ROOT")
    root = pathlib.Path(sys.argv[1])
    if not (root / "CMakeLists.txt").is_file():
        sys.exit(f"includes.py: {root} is not the root of the tree: no CMakeLists.txt")
    wrong = [*check_rooms(root), *check_public_header(root)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    count = sum(len(sources(root / room)) for room in ROOMS)
    print(f"includes: {count} files, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
