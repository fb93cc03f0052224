#!/usr/bin/env python3
"""Proves that includes.py says no: breaks a tiny right tree in one place after another.

usage: self_check.py FOLDER     the fixtures are made below FOLDER
"""
import pathlib
import shutil
import subprocess
import sys

CHECKER = pathlib.Path(__file__).with_name("includes.py")
RIGHT = {
    "CMakeLists.txt": "",
    "scheduler/loop.hpp": "#include <atomic>\n",
    "sync/future.hpp": '#include <coroutine>\n#include "scheduler/loop.hpp"\n',
    "sync/future.cpp": '#include "sync/future.hpp"\n#include <spdlog/spdlog.h>\n',
    "io/stream.hpp": '#include "sync/future.hpp"\n',
    "io/reactor.hpp": '#include "sync/future.hpp"\n#include <boost/asio.hpp>\n',
    "api/weft.hpp": '#include "io/stream.hpp"\n',
    "bench/micro/on_loop.hpp": '#include "sync/future.hpp"\n',
    "bench/micro/sync/future_bench.cpp": '#include "sync/future.hpp"\n#include "bench/micro/on_loop.hpp"\n',
    "api/asio.hpp": '#include "api/weft.hpp"\n#include <boost/asio.hpp>\n',
    "api/run.cpp": '#include "api/weft.hpp"\n#include "io/reactor.hpp"\n#include <boost/asio.hpp>\n',
}
# One wrong line each: (file, line, what the checker must say).
WRONG = [
    ("scheduler/loop.hpp", '#include "sync/future.hpp"', "scheduler may include only scheduler"),
    ("scheduler/loop.hpp", '#  include "api/weft.hpp"', "scheduler may include only scheduler"),
    ("scheduler/loop.hpp", "#include <coroutine>", "only Runnable"),
    ("sync/future.cpp", '#include "io/stream.hpp"', "sync may include only scheduler, sync"),
    ("io/stream.hpp", '#include "api/weft.hpp"', "io may include only scheduler, sync, io"),
    ("sync/future.hpp", '#include "loop.hpp"', "expected"),
    ("sync/future.hpp", "#include <scheduler/loop.hpp>", "is included as"),
    ("sync/future.hpp", "#include <weft/weft.hpp>", "the tree includes itself"),
    ("sync/future.cpp", "#include <boost/asio.hpp>", "Boost stays in"),
    ("api/weft.hpp", "#include <boost/intrusive/list.hpp>", "Boost stays in"),
    ("tests/sync/future_test.cpp", "#include <boost/asio.hpp>", "no Boost here"),
    ("bench/fib.cpp", '#include "sync/future.hpp"', "write <weft/...>"),
    ("bench/micro/scheduler/loop_bench.cpp", '#include "sync/future.hpp"', "scheduler may include only scheduler"),
    ("bench/micro/sync/future_bench.cpp", "#include <weft/weft.hpp>", "the tree includes itself"),
    ("bench/micro/sync/future_bench.cpp", "#include <boost/asio.hpp>", "no Boost here"),
    ("io/reactor.hpp", "#include <spdlog/spdlog.h>", "spdlog stays in"),
    ("sync/future.hpp", "#include <oneapi/tbb/task_arena.h>", "oneTBB stays in"),
    ("io/stream.hpp", "#include <boost/asio/ip/tcp.hpp>", "<weft/weft.hpp> reaches"),
    ("io/stream.hpp", '#include "io/reactor.hpp"',
     "api/weft.hpp -> io/stream.hpp -> io/reactor.hpp -> boost/asio.hpp"),
]


def check(root, files):
    shutil.rmtree(root, ignore_errors=True)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return subprocess.run([sys.executable, CHECKER, root], capture_output=True, text=True)


def main():
    root = pathlib.Path(sys.argv[1]) / "fixture"
    failures = []
    result = check(root, RIGHT)
    if result.returncode != 0:
        failures.append(f"the right tree was refused:\n{result.stdout}{result.stderr}")
    for file, line, says in WRONG:
        result = check(root, {**RIGHT, file: RIGHT.get(file, "") + line + "\n"})
        if result.returncode != 1 or says not in result.stdout:
            failures.append(f"{file} with {line}: expected exit 1 and '{says}', "
                            f"got {result.returncode}:\n{result.stdout}{result.stderr}")
    print(*failures, sep="\n", end="\n" if failures else "")
    print(f"self check: {1 + len(WRONG)} trees, {len(failures)} judged wrongly")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
