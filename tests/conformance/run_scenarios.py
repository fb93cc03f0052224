"""Runs the scenarios of the areas in sys.argv on this CPython; a program for oracle.mjs (record.py calls it)."""
import asyncio.events
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "scenarios"))
asyncio.events._set_event_loop_policy(None)  # the default one in place of pyodide's
trace = importlib.import_module("trace")
print("python", sys.version.split()[0])
for area in sys.argv[1:]:
    module = importlib.import_module(area)
    print("#area", area)
    for scenario in trace.SCENARIOS:
        if scenario.__module__ == area:
            trace.run_scenario(scenario)
