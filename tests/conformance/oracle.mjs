// The oracle: runs Python files on CPython 3.14 (npm pyodide) under node, with asyncio on virtual time (virtual_loop.py).
//
//   node oracle.mjs [--stdin] FILE... [-- ARGUMENT...]
//
// Each file runs as __main__ of its own, with sys.argv = [FILE, ARGUMENT...] and its folder importable; with more than
// one file a line "== FILE" goes before the output of each. With --stdin the programs may read standard input. Exits
// with 1 if a file ended in an exception (its traceback is on stderr; the other files still run), or with the
// SystemExit's code. One process for many files: starting CPython takes two seconds, a file next to nothing.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const words = process.argv.slice(2);
const split = words.indexOf("--");
const given = split < 0 ? words : words.slice(0, split);
const programArguments = split < 0 ? [] : words.slice(split + 1);
const withStdin = given[0] === "--stdin";
const files = withStdin ? given.slice(1) : given;
if (files.length === 0) {
  console.error("usage: node oracle.mjs [--stdin] FILE... [-- ARGUMENT...]");
  process.exit(2);
}

let loadPyodide;
try {
  ({ loadPyodide } = await import("pyodide"));
} catch (error) {
  console.error(`oracle: pyodide is not installed (npm ci in tests/conformance): ${error.message}`);
  process.exit(3);
}

function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(fd, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
  return bytes.length;
}

const python = await loadPyodide();
python.setStdout({ write: (bytes) => writeAll(1, bytes) });
python.setStderr({ write: (bytes) => writeAll(2, bytes) });
if (withStdin) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  python.setStdin({
    read: (buffer) => {
      for (;;) {
        try {
          return fs.readSync(0, buffer);
        } catch (error) {
          if (error.code === "EOF") return 0;
          if (error.code !== "EAGAIN") throw error;
          Atomics.wait(pause, 0, 0, 1);
        }
      }
    },
  });
}
python.mountNodeFS("/host", "/");
const here = "/host" + path.dirname(fileURLToPath(import.meta.url));
const runFile = python.runPython(`
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(here)})
sys.stdout.reconfigure(encoding="utf-8", line_buffering=False)
import virtual_loop
virtual_loop.install()

def run_file(file, shown, arguments):
    import os, traceback
    sys.argv = [shown, *arguments]
    sys.path.insert(0, os.path.dirname(file))
    code = 0
    try:
        with open(file) as source:
            program = compile(source.read(), shown, "exec")
        exec(program, {"__name__": "__main__", "__file__": file})
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.path.pop(0)
    sys.stdout.flush()
    sys.stderr.flush()
    return code
run_file
`);
let code = 0;
for (const file of files) {
  if (files.length > 1) writeAll(1, Buffer.from(`== ${file}\n`));
  code = runFile("/host" + path.resolve(file), file, python.toPy(programArguments)) || code;
}
process.exit(code);
