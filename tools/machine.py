"""What a measurement ran on: cores, compiler, versions."""
import math
import os
import platform
import re
import subprocess


def usable_cores():
    """Affinity mask, cut down by the cgroup's quota (version 2): what weft takes for its default number of loops."""
    cores = len(os.sched_getaffinity(0))
    for line in quotas():
        quota, period = line.split()
        if quota != "max":
            cores = min(cores, max(1, math.ceil(int(quota) / int(period))))
    return cores


def quotas():
    """The lines of cpu.max that hold for this process."""
    group = ""
    for line in lines_of("/proc/self/cgroup"):
        if line.startswith("0::"):
            group = line[3:].strip()
    folders = dict.fromkeys(("/sys/fs/cgroup" + group, "/sys/fs/cgroup"))
    return [line.strip() for folder in folders for line in lines_of(f"{folder}/cpu.max")]


def lines_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readlines()
    except OSError:
        return []


def first_match(path, pattern):
    for line in lines_of(path):
        found = re.match(pattern, line)
        if found:
            return found.group(1).strip().strip('"')
    return None


def output_of(command):
    """All a command prints, whatever its exit code: some print their version and exit with 1."""
    try:
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def setting(build, name):
    """Of the build's CMake cache; None if it has none."""
    return first_match(build / "CMakeCache.txt", rf"{name}:\w+=(.*)")


def describe(build):
    compiler = setting(build, "CMAKE_CXX_COMPILER")
    build_type = setting(build, "CMAKE_BUILD_TYPE") or ""
    flags = (setting(build, "CMAKE_CXX_FLAGS"), setting(build, f"CMAKE_CXX_FLAGS_{build_type.upper()}"))
    return {
        "cpu": first_match("/proc/cpuinfo", r"model name\s*:\s*(.*)") or platform.machine(),
        "usable_cores": usable_cores(),
        "cgroup_quota": quotas(),
        "system": first_match("/etc/os-release", r"PRETTY_NAME=(.*)"),
        "kernel": platform.release(),
        "compiler": output_of([compiler, "--version"]).partition("\n")[0] if compiler else None,
        "build_type": build_type,
        "flags": " ".join(flag for flag in flags if flag),
    }
