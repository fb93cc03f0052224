"""Random programs: how they are run, printed and kept with CPython's traces of them."""

import json
import lzma
import pathlib
import queue
import subprocess
import threading

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden" / "random.xz"
SILENCE_S = 60  # a program that says nothing for that long hangs


def line_of(program):
    return json.dumps(program, separators=(",", ":"))


class Runner:
    """A process that answers a line (a program) with its trace and a line "."; started again if it ends."""

    def __init__(self, command):
        self.command = command
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.SimpleQueue()

        def read(process, lines):
            trace = []
            for line in process.stdout:
                if line == ".\n":
                    lines.put("".join(trace))
                    trace = []
                else:
                    trace.append(line)
            lines.put(None)

        threading.Thread(target=read, args=(self.process, self.lines), daemon=True).start()

    def run(self, programs):
        """Returns the traces. Of a program that hangs or ends the process, a line that says so."""
        traces = []
        while len(traces) < len(programs):
            if self.process is None:
                self.start()
            rest = programs[len(traces) :]
            writer = threading.Thread(target=self.write, args=(self.process, rest), daemon=True)
            writer.start()
            for _ in rest:
                try:
                    trace = self.lines.get(timeout=SILENCE_S)
                except queue.Empty:
                    self.process.kill()
                    self.process.wait()
                    traces.append(f"hangs for {SILENCE_S} s\n")
                    self.process = None
                    break
                if trace is None:
                    traces.append(f"ends the process: exit code {self.process.wait()}\n")
                    self.process = None
                    break
                traces.append(trace)
            writer.join()
        return traces

    @staticmethod
    def write(process, programs):
        try:
            for program in programs:
                process.stdin.write(line_of(program) + "\n")
            process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # run() sees that it has ended

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            code = self.process.wait()
            self.process = None
            if code != 0:
                raise RuntimeError(f"{self.command[0]} ended with exit code {code}")


def pretty(program):
    """The program for the eye."""
    lines = [f"{program[0]} futures, main is slot {program[0]}"]
    lines += [f"shared {place}: {kind} {number}" for place, (kind, number) in enumerate(program[3])]

    def block(statements, depth):
        if not statements:
            lines.append("  " * depth + "pass")
        for statement in statements:
            words = [statement[0]]
            inner = []
            for argument in statement[1:]:
                nested = isinstance(argument, list) and (not argument or isinstance(argument[0], list))
                (inner if nested and statement[0] != "gather" else words).append(argument)
            lines.append("  " * depth + " ".join("none" if word is None else str(word) for word in words))
            if statement[0] == "try":
                block(inner[0], depth + 1)
                for kind, handler in inner[1]:
                    lines.append("  " * depth + f"except {kind}")
                    block(handler, depth + 1)
                if inner[2]:
                    lines.append("  " * depth + "finally")
                    block(inner[2], depth + 1)
            else:
                for i, statements in enumerate(inner):
                    if i:
                        lines.append("  " * depth + "else")
                    block(statements, depth + 1)

    for title, part in (("body", 1), ("callback", 2)):
        for number, statements in enumerate(program[part]):
            lines.append(f"{title} {number}:")
            block(statements, 1)
    return "\n".join(lines)


def write_golden(path, version, programs, traces):
    text = "".join([f"# {version}\n", *(f"{line_of(program)}\n{trace}.\n" for program, trace in zip(programs, traces))])
    path.write_bytes(lzma.compress(text.encode(), preset=9))


def read_golden(path=GOLDEN):
    """Returns (version, programs, traces)."""
    version, _, text = lzma.decompress(path.read_bytes()).decode().partition("\n")
    programs, traces = [], []
    for part in text.split("\n.\n"):
        if part:
            line, _, trace = part.partition("\n")
            programs.append(json.loads(line))
            traces.append(trace + "\n" if trace else "")
    return version.removeprefix("# "), programs, traces
