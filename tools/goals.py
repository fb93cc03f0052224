"""The figures to reach: bench/goals.toml, judged by the rows of one run."""
import pathlib
import tomllib

GOALS = pathlib.Path(__file__).resolve().parent.parent / "bench" / "goals.toml"


def figure(goal, rows, compiled):
    """The number that the goal is about; None if what it needs was not measured."""
    by_key = {(row["problem"], row["framework"], row["loops"]): row for row in rows}
    if goal["figure"] == "compile":
        return compiled.get("ratio")
    problem, loops = goal["problem"], goal.get("loops", 1)
    weft = by_key.get((problem, "weft", loops))
    if weft is None:
        return None
    if goal["figure"] == "median_ns":
        return weft["median_ns"]
    if "figures" in weft:
        return weft["figures"].get(goal["figure"])
    if goal["figure"] == "own":  # beside its own row with another number of loops
        other = by_key.get((problem, "weft", goal["beside"]))
        return weft["median_ns"] / other["median_ns"] if other else None
    peers = [row for (name, framework, count), row in by_key.items()
             if name == problem and framework != "weft" and count == goal.get("peer_loops", loops)
             and goal["peer"] in (framework, "best")]
    key = "bytes" if goal["figure"] == "bytes" else "median_ns"
    peers = [row[key] for row in peers if key in row]
    return weft[key] / min(peers) if peers and key in weft else None


def verdict(goal, rows, compiled, suffix=""):
    value = figure(goal, rows, compiled)
    met = None if value is None else value <= goal["at_most"]
    return {"value" + suffix: None if value is None else round(value, 4), "met" + suffix: met}


def judge(report):
    """Of what clang has built and, if it was measured, of g++'s weft beside the same peers."""
    judged = []
    # What g++ has built, too, stands for itself: its rows come last and replace the others.
    by_gcc = [row for row in report["rows"] if row["framework"] != "weft"] + report["rows_gcc"]
    for goal in tomllib.loads(GOALS.read_text())["goal"]:
        judged.append({**goal, **verdict(goal, report["rows"], report.get("compile", {}))})
        if report["rows_gcc"]:
            judged[-1] |= verdict(goal, by_gcc, report.get("compile_gcc", {}), "_gcc")
    return judged


def said(goal):
    loops = f" on {goal['loops']} loops" if goal.get("loops", 1) != 1 else ""
    what = {"ratio": "time", "own": "time", "bytes": "bytes", "median_ns": "nanoseconds", "compile": "compile time",
            "wakeups": "wake-ups a second", "cpu": "share of a core"}
    beside = {"ratio": f" / {goal.get('peer')}", "bytes": f" / {goal.get('peer')}", "compile": " / standard headers",
              "own": f" / own on {goal.get('beside')} loops"}
    return f"{goal.get('problem', 'weft.hpp')}{loops}: {what[goal['figure']]}{beside.get(goal['figure'], '')}"


def table(judged):
    """Markdown, of the goals that this run can judge."""
    compilers = [("clang", ""), ("g++", "_gcc")] if any("met_gcc" in goal for goal in judged) else [("clang", "")]
    head = ["row", "goal", "at most", *(name for name, _ in compilers)]
    lines = [head, ["---"] * len(head)]
    for goal in judged:
        cells = [cell(goal, suffix) for _, suffix in compilers]
        if any(cells):
            lines.append([str(goal["row"]), said(goal), f"{goal['at_most']:g}", *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(goal, suffix):
    if goal["met" + suffix] is None:
        return ""
    return f"{goal['value' + suffix]:.3f} " + ("met" if goal["met" + suffix] else "**missed**")
