#include "tests/soak/part.hpp"

#include <iostream>
#include <utility>

namespace weft::soak {

namespace {
constexpr std::uint64_t kMostComplaints = 10;
}

void Part::complain(std::string_view what) {
    if (wrong_.fetch_add(1, std::memory_order_relaxed) >= kMostComplaints) return;
    std::string line = "weft_soak: FAILED: " + name_ + ": ";
    line.append(what).append("\n");
    std::cerr << line << std::flush;
}

std::vector<std::unique_ptr<Part>> make_parts() {
    std::vector<std::unique_ptr<Part>> parts;
    for (const auto make :
         {&make_trees, &make_branches, &make_timers, &make_cancels, &make_locks, &make_queues, &make_channels,
          &make_gatherings, &make_generators, &make_executors, &make_foreign_threads, &make_runtimes, &make_sockets}) {
        parts.push_back(make());
    }
    return parts;
}

}  // namespace weft::soak
