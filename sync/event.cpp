#include "sync/event.hpp"

#include <mutex>

namespace weft {

void Event::set() {
    sync::Wakes wakes;
    const std::lock_guard lock(mutex_);
    set_.store(true, std::memory_order_release);  // E1
    lot_.claim_all(wakes);
}

void Event::clear() {
    const std::lock_guard lock(mutex_);
    set_.store(false, std::memory_order_relaxed);
}

}  // namespace weft
