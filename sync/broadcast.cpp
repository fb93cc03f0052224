#include "sync/broadcast.hpp"

#include <stdexcept>
#include <string>

namespace weft::sync {

std::size_t checked_broadcast_capacity(std::ptrdiff_t capacity) {
    if (capacity < 1) throw std::invalid_argument("Broadcast capacity must be >= 1, not " + std::to_string(capacity));
    return static_cast<std::size_t>(capacity);
}

void BroadcastBase::shutdown() {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    lot_.claim_all(wakes);
}

std::uint64_t BroadcastBase::begin_receiver() noexcept {
    const std::lock_guard lock(mutex_);
    ++receivers_;
    return next_;
}

void BroadcastBase::end_receiver() noexcept {
    const std::lock_guard lock(mutex_);
    --receivers_;
}

bool BroadcastBase::has(std::uint64_t& wanted) const {
    if (wanted == next_) {
        if (shut_down_) throw BroadcastShutDown();
        return false;
    }
    if (next_ - wanted > capacity_) {
        const std::uint64_t missed = next_ - capacity_ - wanted;
        wanted += missed;
        throw BroadcastLagged(missed);
    }
    return true;
}

}  // namespace weft::sync
