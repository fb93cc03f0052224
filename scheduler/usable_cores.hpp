// How many cores this process may really use: its affinity mask, and the CPU quota of its cgroup and of every cgroup
// above. A container with a quota of two cores on a machine with 64 gets two loops, not 64 that throttle each other.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace weft::scheduler {

// Returns at least 1. A quota of 2.5 cores counts as 3.
[[nodiscard]] std::size_t usable_cores();

// The text of cgroup v2's cpu.max ("max 100000" or "250000 100000"). Returns the cores it allows, none if unlimited
// or unreadable.
[[nodiscard]] std::optional<std::size_t> cores_of_cpu_max(std::string_view text);

}  // namespace weft::scheduler
