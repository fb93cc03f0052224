#!/usr/bin/env python3
"""tools/server.py: what a round under load reports, and what it says of servers and loads that misbehave."""
import argparse
import pathlib
import sys

PYTHON = sys.executable
LISTEN = """import signal, socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
"""
WAIT = "time.sleep(100)"
REPORT = """print("wrk would say more"); print('{"ns": [5.0], "answer": 1, "requests": 4}')"""


def answering(text):
    return f"""{LISTEN}
connection = listener.accept()[0]
connection.recv(4096)
connection.sendall({text!r})
{WAIT}"""


def python(code):
    return [PYTHON, "-c", code]


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def reports(server):
    for end in ("", "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"):
        ports = []

        def load(port):
            ports.append(port)
            return python(REPORT)

        report = server.under_load(python(LISTEN + end + WAIT), load, None, 20)
        check(report["ns"] == [5.0] and report["answer"] == 1, f"not the load's report: {report}")
        check(report["rss"] > 1 << 20 and report["cpu_ns"] >= 0, f"not what the server took: {report}")
        check(len(ports) == 1 and ports[0] > 0, f"ports {ports}")
    page = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
    server.under_load(python(page), lambda port: python(REPORT), None, 20, "page")


def fails(server, name, text, code, load=REPORT, limit_s=20, page=None):
    try:
        report = server.under_load(python(code), lambda port: python(load), None, limit_s, page)
    except server.Failure as failure:
        check(text in str(failure), f"{name}: said {failure}, expected {text!r}")
    else:
        sys.exit(f"FAILED: {name}: reported {report}")


def failures(server):
    fails(server, "no server", "said 'hello', not where it listens: the reason",
          "import sys; print('hello', flush=True); sys.exit('the reason')")
    fails(server, "ends early", "ended under load with 7", LISTEN + "time.sleep(0.2); sys.exit(7)",
          "import time; time.sleep(1);" + REPORT)
    fails(server, "the server's end comes first", "ended under load with 7", LISTEN + "sys.exit(7)",
          "import sys, time; time.sleep(1); sys.exit(1)")
    fails(server, "ends badly", "ended with 3 after SIGTERM",
          LISTEN + "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n" + WAIT)
    fails(server, "the load fails", "ended with 1: overload", LISTEN + WAIT, "import sys; sys.exit('overload')")
    fails(server, "the load hangs", "no end after 1 s", LISTEN + WAIT, "import time; time.sleep(100)", 1)
    fails(server, "wrong page", "answers 'no', expected 'page'",
          answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"), page="page")
    fails(server, "no page", "answers GET / with 404, expected 200",
          answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), page="")
    fails(server, "not HTTP", "answers what is not HTTP", answering(b"no\r\n\r\n"), page="page")
    server.START_LIMIT_S = server.STOP_LIMIT_S = 1
    fails(server, "mute", "said '', not where it listens", "import time; " + WAIT)
    fails(server, "does not stop", "still ran 1 s after SIGTERM",
          LISTEN + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--sanitize", default="")
    sys.path.insert(0, str(parser.parse_args().source / "tools"))
    sys.dont_write_bytecode = True
    import server

    reports(server)
    failures(server)
    print("reports and failures are right")


if __name__ == "__main__":
    main()
