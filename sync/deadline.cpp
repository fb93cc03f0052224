#include "sync/deadline.hpp"

namespace weft::sync {

void Deadline::fix(const scheduler::Loop& loop) {
    if (!delay_) return;
    const TimePoint now = loop.now();
    when_ = *delay_ > TimePoint::max() - now ? TimePoint::max() : now + *delay_;
    delay_.reset();
}

}  // namespace weft::sync
