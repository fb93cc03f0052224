#include "sync/profile.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace weft {

namespace {

double in_ns(std::chrono::nanoseconds duration) { return static_cast<double>(duration.count()); }

}  // namespace

double Profile::parallelism() const noexcept {
    return span.count() > 0 ? std::max(1.0, in_ns(work) / in_ns(span)) : 1.0;
}

SpeedUp Profile::speed_up(int cores) const {
    if (cores < 1) throw std::invalid_argument("cores is " + std::to_string(cores) + ": expected at least 1");
    const double slowest = (in_ns(work) - in_ns(span)) / cores + in_ns(burdened_span);
    if (cores == 1 || slowest <= 0) return {1.0, 1.0};  // nobody steals
    return {in_ns(work) / slowest, std::min(static_cast<double>(cores), parallelism())};
}

namespace sync {

Profile read_tally(const Tally& tally) {
    const double ns_per_tick = strand_clock().ns_per_tick;
    const auto to_ns = [ns_per_tick](std::int64_t ticks) {
        return std::chrono::nanoseconds(std::llround(static_cast<double>(ticks) * ns_per_tick));
    };
    const std::int64_t work = std::max<std::int64_t>(0, tally.work);
    const std::int64_t span = std::clamp<std::int64_t>(tally.span, 0, work);
    const std::int64_t burdened_span = std::max(span, tally.burdened_span);
    return {to_ns(work), to_ns(span), to_ns(burdened_span), tally.forks, tally.strands};
}

}  // namespace sync

}  // namespace weft
