"""A server under load: how tools/bench.py measures a problem whose problem.md has a `load`, and tools/demo.py its service.

A server is a program that says "listening on ADDRESS:PORT" when it does, and serves until SIGTERM; see
bench/peers/server.hpp. A load is a command that ends by itself, and the last line that it prints is a report like any
program's, with the number of all its `requests` besides. What the server took is read from /proc: its peak of memory,
and its processor time per request.
"""
import http.client
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

START_LIMIT_S = 10
STOP_LIMIT_S = 10


class Failure(Exception):
    """What went wrong, in one line."""


class Server:
    """A child process from its first word to its end; killed if that does not come."""

    def __init__(self, command, environment=None):
        self.command = command
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)

    def __enter__(self):
        try:
            self.port = self.read_port()
        except BaseException:
            self.__exit__()  # with's own is not called
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def failure(self, what):
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip()
        return Failure(f"{' '.join(self.command)} {what}{': ' if said else ''}{said[-300:]}")

    def read_port(self):
        late = threading.Timer(START_LIMIT_S, self.process.kill)
        late.start()
        line = self.process.stdout.readline()
        found = re.match(r"listening on \S+:(\d+)", line)
        if not found:
            self.process.stdout.read()  # until its end: it may say why on stderr
        late.cancel()
        if not found:
            raise self.failure(f"said {line.strip()!r}, not where it listens")
        return int(found.group(1))

    def page(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_LIMIT_S)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            if answer.status != 200:
                raise self.failure(f"answers GET / with {answer.status}, expected 200")
            return answer.read().decode()
        except http.client.HTTPException as error:
            raise self.failure(f"answers what is not HTTP: {error!r}") from error
        finally:
            connection.close()

    def proc(self):
        return pathlib.Path(f"/proc/{self.process.pid}")

    def cpu_ns(self):
        """Of all its threads, of which none has ended."""
        return sum(int(path.read_text().split()[0]) for path in self.proc().glob("task/*/schedstat"))

    def peak_bytes(self):
        return int(re.search(r"VmHWM:\s*(\d+)", (self.proc() / "status").read_text()).group(1)) * 1024

    def must_run(self):
        if self.process.poll() is not None:
            raise self.failure(f"ended under load with {self.process.returncode}")

    def stop(self):
        """It may handle SIGTERM and end with 0, or just be ended by it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise self.failure(f"still ran {STOP_LIMIT_S} s after SIGTERM") from None
        if code not in (0, -signal.SIGTERM):
            raise self.failure(f"ended with {code} after SIGTERM")


def run_load(command, limit_s):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: no end after {limit_s} s") from None
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return json.loads((done.stdout.splitlines() or [""])[-1])


def under_load(command, load, environment, limit_s, page=None):
    """One round: the report of the command load(port), and what the server took. `page` is what GET / must give."""
    with Server(command, environment) as server:
        if page is not None and (got := server.page()) != page:
            raise server.failure(f"answers {got[:80]!r}, expected {page!r}")
        before = server.cpu_ns()
        try:
            report = run_load(load(server.port), limit_s)
        finally:
            server.must_run()  # else that is why the load failed
        report["cpu_ns"] = (server.cpu_ns() - before) / report["requests"]
        report["rss"] = server.peak_bytes()
        server.stop()
    return report
