#include "sync/broadcast.hpp"

#include <stdexcept>
#include <string>

#include "scheduler/loop.hpp"
#include "sync/report.hpp"

namespace weft::sync {

std::size_t checked_broadcast_capacity(std::ptrdiff_t capacity) {
    if (capacity < 1) throw std::invalid_argument("Broadcast capacity must be >= 1, not " + std::to_string(capacity));
    return static_cast<std::size_t>(capacity);
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

BroadcastBase::~BroadcastBase() {
    const scheduler::Loop* const here = scheduler::current_loop();
    if (receivers_ != 0 && here != nullptr && here->debug()) {
        warn(in_words() + " is destroyed before its receivers, of which there are " + std::to_string(receivers_));
    }
}

}  // namespace weft::sync
