"""The figures to reach: bench/goals.toml, judged by the rows of one run."""
import pathlib
import tomllib

GOALS = pathlib.Path(__file__).resolve().parent.parent / "bench" / "goals.toml"


def figure(goal, report):
    """The number that the goal is about; None if what it needs was not measured."""
    by_key = {(row["problem"], row["framework"], row["loops"]): row for row in report["rows"]}
    if goal["figure"] == "compile":
        return report.get("compile", {}).get("ratio")
    problem, loops = goal["problem"], goal.get("loops", 1)
    weft = by_key.get((problem, "weft", loops))
    if weft is None:
        return None
    if goal["figure"] == "median_ns":
        return weft["median_ns"]
    if goal["figure"] == "own":  # beside its own row with another number of loops
        other = by_key.get((problem, "weft", goal["beside"]))
        return weft["median_ns"] / other["median_ns"] if other else None
    peers = [row for (name, framework, count), row in by_key.items()
             if name == problem and framework != "weft" and count == goal.get("peer_loops", loops)
             and goal["peer"] in (framework, "best")]
    key = "bytes" if goal["figure"] == "bytes" else "median_ns"
    peers = [row[key] for row in peers if key in row]
    return weft[key] / min(peers) if peers and key in weft else None


def judge(report):
    goals = tomllib.loads(GOALS.read_text())["goal"]
    judged = []
    for goal in goals:
        value = figure(goal, report)
        met = None if value is None else value <= goal["at_most"]
        judged.append({**goal, "value": None if value is None else round(value, 4), "met": met})
    return judged


def said(goal):
    loops = f" on {goal['loops']} loops" if goal.get("loops", 1) != 1 else ""
    what = {"ratio": "time", "own": "time", "bytes": "bytes", "median_ns": "nanoseconds", "compile": "compile time"}
    beside = {"ratio": f" / {goal.get('peer')}", "bytes": f" / {goal.get('peer')}", "compile": " / standard headers",
              "own": f" / own on {goal.get('beside')} loops"}
    return f"{goal.get('problem', 'weft.hpp')}{loops}: {what[goal['figure']]}{beside.get(goal['figure'], '')}"


def table(judged):
    """Markdown, of the goals that this run can judge."""
    lines = ["| row | goal | at most | is | |", "| --- | --- | --- | --- | --- |"]
    for goal in judged:
        if goal["met"] is not None:
            verdict = "met" if goal["met"] else "**missed**"
            lines.append(f"| {goal['row']} | {said(goal)} | {goal['at_most']:g} | {goal['value']:.3f} | {verdict} |")
    return "\n".join(lines)
