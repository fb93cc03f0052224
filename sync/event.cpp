#include "sync/event.hpp"

#include <mutex>

namespace weft {

void Event::set() {
    sync::Wakes wakes;
    const std::lock_guard lock(mutex_);
    word_.store((word_.load(std::memory_order_relaxed) + kOnce) | kSet, std::memory_order_release);  // E1
    lot_.claim_all(wakes);
}

void Event::clear() {
    const std::lock_guard lock(mutex_);
    // A look may meet this store instead of that of the set() before it.
    word_.store(word_.load(std::memory_order_relaxed) & ~kSet, std::memory_order_release);  // E1
}

}  // namespace weft
