"""A translation unit links with the library only if both are built with WEFT_PROFILE or both without."""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = '#include "sync/when_profiled.hpp"\nint main() {}\n'


def link(compiler, source, library, profiled):
    """Returns what the linker says, '' if it links."""
    with tempfile.TemporaryDirectory() as folder:
        command = [compiler, "-std=c++20", f"-DWEFT_PROFILE={profiled}", f"-I{source}", "-x", "c++", "-", "-x", "none",
                   str(library), "-o", f"{folder}/program"]
        done = subprocess.run(command, input=SOURCE, capture_output=True, text=True, timeout=120)
    return "" if done.returncode == 0 else done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    args = parser.parse_args()
    library = args.build / "libweft.a"
    if args.sanitize or not library.exists():
        print("skipped: a sanitizer, or a shared library, changes nothing in which symbols there are")
        return 77
    cache = (args.build / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)[1]
    own = int(re.search(r"^WEFT_PROFILE:BOOL=(.*)$", cache, re.M)[1] in ("ON", "1", "TRUE"))
    names = ["weft::sync::built_without_WEFT_PROFILE", "weft::sync::built_with_WEFT_PROFILE"]
    failures = []
    if said := link(compiler, args.source, library, own):
        failures.append(f"WEFT_PROFILE={own}, as the library: expected to link, got: {said[-500:]}")
    said = link(compiler, args.source, library, 1 - own)
    if names[1 - own] not in said:
        failures.append(f"WEFT_PROFILE={1 - own}, unlike the library: expected '{names[1 - own]}', got: {said[-500:]}")
    print(*failures, sep="\n", end="\n" if failures else "")
    print(f"2 links, {len(failures)} failures, {compiler}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
