// Machine: what a measurement ran on, as far as this process can tell: usable cores, compiler, oneTBB.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <string>
#include <thread>

#include <oneapi/tbb/version.h>
#include <sched.h>

namespace bench {

// The cores this process may really use: its affinity mask, cut down by its cgroup's quota (version 2, own or root
// group). std::thread::hardware_concurrency looks at neither, and loops without a core to run on measure nothing.
inline std::size_t usable_cores() {
    std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = static_cast<std::size_t>(CPU_COUNT(&mask));

    std::string group;
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        if (line.starts_with("0::")) group = line.substr(3);
    }
    for (const std::string& path : {"/sys/fs/cgroup" + group + "/cpu.max", std::string("/sys/fs/cgroup/cpu.max")}) {
        std::ifstream file(path);
        double quota = 0;
        double period = 0;
        if (!(file >> quota >> period) || period <= 0) continue;  // absent, or "max": no quota here
        cores = std::min(cores, static_cast<std::size_t>(std::max(1.0, std::ceil(quota / period))));
    }
    return cores;
}

inline std::string compiler() {
#if defined(__clang__)
    return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
           std::to_string(__clang_patchlevel__);
#else
    return "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
           std::to_string(__GNUC_PATCHLEVEL__);
#endif
}

inline std::string machine_json() {
    return "{\"usable_cores\": " + std::to_string(usable_cores()) + ", \"compiler\": \"" + compiler() +
           "\", \"onetbb\": \"" + TBB_runtime_version() + "\"}";
}

}  // namespace bench
