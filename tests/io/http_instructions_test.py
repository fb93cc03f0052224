#!/usr/bin/env python3
"""The HTTP service needs no more user-space instructions per request than the same Beast server on Asio's coroutines.

Both answer a fixed script of requests under callgrind, on one loop; the figure is the difference of a long and a short
script divided by the requests between them, so that start and end of the processes do not count. Instructions are
repeatable where time is not, but for how often a server finds that it has to wait: so the least of a few rounds counts,
and a difference of 2 % is none.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

CONNECTIONS = 4
SHORT, LONG = 100, 500  # requests per connection
ROUNDS = 3
NOISE = 0.02
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: script\r\nAccept: */*\r\n\r\n"
BODY = b"Hello, world!\n"
SKIP = 77


def read_answer(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            sys.exit("the server closed a connection in the middle of an answer")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
    while len(body) < length:
        body += connection.recv(4096)
    if not head.startswith(b"HTTP/1.1 200 ") or body != BODY:
        sys.exit(f"wrong answer: {data!r}")


def talk(port, requests):
    connections = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(requests):
        for connection in connections:
            connection.sendall(REQUEST)
            read_answer(connection)
    for connection in connections:
        connection.close()


def instructions(command, requests, folder):
    """The instructions that `command` executed from start to a clean stop by SIGTERM."""
    out = folder / "callgrind.out"
    server = subprocess.Popen(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command, "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        found = re.search(r"listening on .*:(\d+)", line)
        if not found:
            sys.exit(f"{command[0]} did not start: {line!r} {server.stderr.read()[-500:]}")
        talk(int(found.group(1)), requests)
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=60)
    finally:
        server.kill()
    if server.returncode != 0:
        sys.exit(f"{command[0]} ended with {server.returncode}: {errors[-500:]}")
    return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE).group(1))


def per_request(command, folder):
    short = instructions(command, SHORT, folder)
    long = instructions(command, LONG, folder)
    return (long - short) / ((LONG - SHORT) * CONNECTIONS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--sanitize", default="")
    arguments = parser.parse_args()
    service = arguments.build / "examples" / "http_service"
    peer = arguments.build / "bench" / "http_beast_awaitable"
    cache = (arguments.build / "CMakeCache.txt").read_text()
    if arguments.sanitize or "CMAKE_BUILD_TYPE:STRING=Release" not in cache:
        print("skipped: instructions are counted of an optimised build only")
        return SKIP
    if not peer.exists():
        print(f"skipped: {peer.name} is not built in this preset")
        return SKIP
    if not shutil.which("valgrind"):
        sys.exit("valgrind is missing: expected Debian's package valgrind")
    with tempfile.TemporaryDirectory() as folder:
        rounds = [(per_request([str(service), "--loops", "1"], pathlib.Path(folder)),
                   per_request([str(peer)], pathlib.Path(folder))) for _ in range(ROUNDS)]
    weft, asio = (min(figures) for figures in zip(*rounds))
    print(f"instructions per request: weft {weft:.0f}, Asio's coroutines {asio:.0f}, ratio {weft / asio:.3f}")
    return 0 if weft <= asio * (1 + NOISE) else 1


if __name__ == "__main__":
    os.environ.pop("WEFT_LOOPS", None)
    sys.exit(main())
