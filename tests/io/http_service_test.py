#!/usr/bin/env python3
"""The HTTP service as a user meets it: answers, keep-alive, wrong input, a port in use, a clean stop under load."""
import argparse
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


class Service:
    def __init__(self, program, loops, port=0):
        self.process = subprocess.Popen([program, "--loops", str(loops), "--port", str(port)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"listening on .*:(\d+) with (\d+) loops", line)
        check(found, f"no listening line: {line!r} {'' if found else self.process.stderr.read()[-800:]}")
        self.port = int(found.group(1))
        check(int(found.group(2)) == loops, f"{loops} loops asked, got {line!r}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, errors = self.process.communicate(timeout=30)
        check(self.process.returncode == 0, f"exit {self.process.returncode} after SIGTERM: {errors[-800:]}")
        check("stopping on signal 15" in out, f"no farewell: {out!r}")
        check(errors == "", f"noise on stderr: {errors[-800:]}")


def answer(connection, buffer=b""):
    while b"\r\n\r\n" not in buffer:
        piece = connection.recv(65536)
        if not piece:
            return None, b""
        buffer += piece
    head, _, rest = buffer.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
    while len(rest) < length:
        piece = connection.recv(65536)
        if not piece:
            return None, b""
        rest += piece
    return (head.split(b"\r\n")[0].decode(), rest[:length], head), rest[length:]


def request(path="/", method="GET", extra=""):
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{extra}\r\n".encode()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answers(program):
    for loops in (1, 3):
        service = Service(program, loops)
        with connect(service.port) as connection:
            for _ in range(3):  # keep-alive
                connection.sendall(request())
                got, _ = answer(connection)
                check(got and got[0] == "HTTP/1.1 200 OK" and got[1] == b"Hello, world!\n", f"GET / gave {got}")
            connection.sendall(request("/nowhere"))
            check(answer(connection)[0][0].startswith("HTTP/1.1 404"), "unknown path")
            connection.sendall(request(method="DELETE"))
            check(answer(connection)[0][0].startswith("HTTP/1.1 405"), "unknown method")
            connection.sendall(request() * 5)  # pipelined
            rest = b""
            for _ in range(5):
                got, rest = answer(connection, rest)
                check(got and got[1] == b"Hello, world!\n", "pipelined")
            connection.sendall(request(extra="Connection: close\r\n"))
            check(answer(connection)[0][1] == b"Hello, world!\n", "last answer")
            check(connection.recv(1) == b"", "the server closes after Connection: close")
        with connect(service.port) as connection:
            connection.sendall(b"this is not HTTP\r\n\r\n")
            check(connection.recv(100) == b"", "not HTTP: the connection is closed")
        with connect(service.port) as connection:  # the service is still there
            connection.sendall(request())
            check(answer(connection)[0][1] == b"Hello, world!\n", "after bad input")
            service.stop()  # with an idle connection open


def refusals(program):
    service = Service(program, 1)
    for arguments, text in (
        (["--loops", "0"], "--loops 0: expected"), (["--loops", "-1"], "--loops -1: expected"),
        (["--loops", "x"], "--loops x: expected"), (["--port", "70000"], "--port 70000: expected"),
        (["--nonsense"], "--nonsense: expected"), (["--port"], "--port: expected a value"),
    ):
        refused = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20)
        check(refused.returncode == 2 and text in refused.stderr, f"{arguments}: {refused.returncode} {refused.stderr!r}")
    refused = subprocess.run([program, "--port", str(service.port)], capture_output=True, text=True, timeout=20)
    check(refused.returncode == 1 and f":{service.port}" in refused.stderr and "Address already in use" in refused.stderr,
          f"port in use: {refused.returncode} {refused.stderr!r}")
    service.stop()


def stop_under_load(program):
    """Every request that was read is answered in full, whenever the signal comes."""
    for _ in range(5):
        service = Service(program, 2)
        cut_short = []

        def hammer():
            try:
                with connect(service.port) as connection:
                    while True:
                        connection.sendall(request())
                        first = connection.recv(65536)
                        if not first:
                            return
                        got, _ = answer(connection, first)
                        if got is None or got[1] != b"Hello, world!\n":
                            cut_short.append(got)
                            return
            except OSError:
                return  # refused or reset between two requests

        threads = [threading.Thread(target=hammer) for _ in range(8)]
        for thread in threads:
            thread.start()
        with connect(service.port) as connection:
            for _ in range(200):
                connection.sendall(request())
                check(answer(connection)[0], "answer under load")
        service.stop()
        for thread in threads:
            thread.join(timeout=20)
            check(not thread.is_alive(), "a client hangs after the stop")
        check(not cut_short, f"answers cut short: {cut_short}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--sanitize", default="")
    program = str(parser.parse_args().build / "examples" / "http_service")
    answers(program)
    refusals(program)
    stop_under_load(program)
    print("answers, refusals and the stop under load are right")


if __name__ == "__main__":
    main()
