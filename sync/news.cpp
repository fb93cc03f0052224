#include "sync/news.hpp"

#include <mutex>

namespace weft::sync {

void News::shutdown() {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    lot_.claim_all(wakes);
}

}  // namespace weft::sync
