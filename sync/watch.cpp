#include "sync/watch.hpp"

namespace weft::sync {

void WatchBase::shutdown() {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    lot_.claim_all(wakes);
}

}  // namespace weft::sync
