"""Passes: how a Python program of bench/peers/ times itself and what it prints. The rules are those of passes.hpp.

A program is run as asyncio, or, with BENCH_EVENT_LOOP=uvloop in the environment, on uvloop's loop.
"""
import asyncio
import json
import os
import resource
import sys
import time


def number(text, name):
    if not text.isdecimal() or int(text) < 1:
        sys.stderr.write(f"expected {name}, got '{text}'\n")
        sys.exit(2)
    return int(text)


class Passes:
    def __init__(self):
        if len(sys.argv) not in (3, 4):
            sys.stderr.write("expected LOOPS SIZE [VARIANT]\n")
            sys.exit(2)
        number(sys.argv[1], "LOOPS")
        self.size = number(sys.argv[2], "SIZE")
        self.variant = sys.argv[3] if len(sys.argv) == 4 else ""
        self.cpu = False  # count the process's processor time
        self.sum = 0
        self.ended = 0
        self.answer = None
        self.ns = []
        self.extra = {}

    def now(self):
        if not self.cpu:
            return time.perf_counter_ns()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return (usage.ru_utime + usage.ru_stime) * 1e9

    def again(self):
        if self.sum >= 100e6 or len(self.ns) >= 1000:
            return False
        self.start()
        return True

    def start(self):
        self.begin = self.now()

    def end(self, answer):
        self.end_after(self.now() - self.begin, answer)

    def end_after(self, ns, answer):
        if self.ended and answer != self.answer:
            sys.exit(f"two passes gave {self.answer} and {answer}")
        self.ended += 1
        self.answer = answer
        if self.ended == 1 and ns < 1e9:
            return
        self.ns.append(ns)
        self.sum += ns

    def also(self, name, value):
        self.extra[name] = value

    def report(self):
        print(json.dumps({"ns": self.ns, "answer": self.answer, "rss": peak_bytes(), **self.extra}))


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def peak_bytes():
    """The most that ever were."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def choose_event_loop():
    if os.environ.get("BENCH_EVENT_LOOP") == "uvloop":
        import uvloop

        uvloop.install()


def run(main):
    """asyncio.run(main(passes)) on the event loop that is asked for, then the report."""
    passes = Passes()
    choose_event_loop()
    asyncio.run(main(passes))
    passes.report()
