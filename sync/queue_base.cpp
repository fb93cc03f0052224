#include "sync/queue_base.hpp"

#include <algorithm>
#include <stdexcept>

namespace weft::sync {

void QueueBase::task_done() {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    if (unfinished_ == 0) throw std::invalid_argument("task_done() called too many times: " + in_words());
    if (--unfinished_ == 0) joiners_.claim_all(wakes);
}

void QueueBase::shut_down(Wakes& wakes) noexcept {
    shut_down_ = true;
    getters_.claim_all(wakes);
    putters_.claim_all(wakes);
}

void QueueBase::discarded(Wakes& wakes) noexcept {
    unfinished_ -= std::min(size_, unfinished_);  // task_done() may have run ahead
    size_ = 0;
    if (unfinished_ == 0) joiners_.claim_all(wakes);
}

void QueueBase::Turn::pass_on() noexcept {
    Wakes wakes;
    const std::lock_guard lock(queue_.mutex_);
    if (side_ == Side::putters) {
        queue_.pass_on_room(wakes);
    } else {
        queue_.pass_on_item(wakes);
    }
}

}  // namespace weft::sync
