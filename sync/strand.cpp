#include "sync/strand.hpp"

#include <algorithm>
#include <cmath>

namespace weft::sync {

namespace {

struct Mark {
    std::int64_t ticks = 0;
    std::int64_t core_ns = 0;
};

thread_local constinit Mark mark{};

}  // namespace

void Strand::mark_core(const StrandClock& clock) noexcept {
    if (clock.read_core_ns != nullptr) mark = {clock.read(), clock.read_core_ns()};
}

std::int64_t Strand::off_core(std::int64_t now, std::int64_t ticks, const StrandClock& clock) noexcept {
    if (clock.read_core_ns == nullptr) return 0;
    const std::int64_t core_ns = clock.read_core_ns();
    const std::int64_t on_core = std::llround(static_cast<double>(core_ns - mark.core_ns) / clock.ns_per_tick);
    const std::int64_t off_core = now - mark.ticks - on_core;
    mark = {now, core_ns};
    return std::clamp<std::int64_t>(off_core, 0, ticks);
}

}  // namespace weft::sync
