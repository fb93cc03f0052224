#include "scheduler/usable_cores.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace weft::scheduler {

namespace {

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<long> number(std::string_view text) {
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

std::optional<std::size_t> cores_of(long quota, long period) {
    if (quota <= 0 || period <= 0) return std::nullopt;
    return static_cast<std::size_t>(quota / period + (quota % period != 0 ? 1 : 0));
}

std::size_t cores_of_affinity() {
    // The kernel's mask may be larger than cpu_set_t on big machines: grow until it fits.
    for (int cpus = 1024; cpus <= (1 << 20); cpus *= 2) {
        std::vector<cpu_set_t> mask(CPU_ALLOC_SIZE(cpus) / sizeof(cpu_set_t) + 1);
        const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
        if (sched_getaffinity(0, bytes, mask.data()) == 0) {
            return static_cast<std::size_t>(std::max(1, CPU_COUNT_S(bytes, mask.data())));
        }
    }
    return std::max(1U, std::thread::hardware_concurrency());
}

// The cgroup paths of this process: of version 2 ("0::/a/b"), or of version 1's cpu controller ("4:cpu,cpuacct:/a").
struct Groups {
    std::optional<std::string> v2;
    std::optional<std::string> v1_cpu;
};

Groups groups_of_process() {
    Groups groups;
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        if (controllers == ",,") groups.v2 = line.substr(second + 1);
        if (controllers.find(",cpu,") != std::string::npos) groups.v1_cpu = line.substr(second + 1);
    }
    return groups;
}

// Calls look(directory) for the group and every one above it.
template <class Look>
void walk_up(const std::string& root, std::string path, Look look) {
    for (;;) {
        look(root + path);
        if (path.empty() || path == "/") return;
        path.resize(path.find_last_of('/'));
    }
}

}  // namespace

std::optional<std::size_t> cores_of_cpu_max(std::string_view text) {
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto quota = number(text.substr(0, space));
    const auto period = number(text.substr(space + 1));
    if (!quota || !period) return std::nullopt;
    return cores_of(*quota, *period);
}

std::size_t usable_cores() {
    std::size_t cores = cores_of_affinity();
    const auto limit = [&cores](std::optional<std::size_t> allowed) {
        if (allowed) cores = std::clamp<std::size_t>(*allowed, 1, cores);
    };
    const Groups groups = groups_of_process();
    if (groups.v2) {
        walk_up("/sys/fs/cgroup", *groups.v2, [&limit](const std::string& directory) {
            if (const auto text = read_file(directory + "/cpu.max")) limit(cores_of_cpu_max(*text));
        });
    }
    if (groups.v1_cpu) {
        walk_up("/sys/fs/cgroup/cpu", *groups.v1_cpu, [&limit](const std::string& directory) {
            const auto quota = read_file(directory + "/cpu.cfs_quota_us");
            const auto period = read_file(directory + "/cpu.cfs_period_us");
            if (quota && period) limit(cores_of(number(*quota).value_or(0), number(*period).value_or(0)));
        });
    }
    return cores;
}

}  // namespace weft::scheduler
