#include "scheduler/stall.hpp"

#include <algorithm>
#include <cstdint>

#include "scheduler/loop.hpp"
#include "scheduler/neighbours.hpp"

namespace weft::scheduler {

constinit ReportStall report_stall = [](const Loop&) noexcept {};

// Asked twice: a loop may have sent something to one that was asked before it.
void look_for_stall(const Loop& loop) {
    Neighbours& group = loop.group();
    const auto progress_of_all = [&group] {
        std::uint64_t sum = 0;
        for (const Loop* member : group.loops()) sum += member->progress();
        return sum;
    };
    const auto all_sleep = [&group] {
        return std::all_of(group.loops().begin(), group.loops().end(),
                           [](Loop* member) { return member->debug() && member->sleeps_for_good(); });
    };
    const std::uint64_t progress = progress_of_all();
    if (!all_sleep() || !all_sleep() || progress_of_all() != progress) return;
    if (group.first_to_tell_stall(progress)) report_stall(loop);
}

}  // namespace weft::scheduler
