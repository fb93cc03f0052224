#include "sync/queue.hpp"

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

// It was woken for an item (or for room) that it does not take: the next in line is.
void QueueBase::Turn::give_up() noexcept {
    Wakes wakes;
    const std::lock_guard lock(queue_.mutex_);
    ParkingLot& line = side_ == Side::putters ? queue_.putters_ : queue_.getters_;
    if (line.settle(*this) == Wait::woken && may_go_on()) (void)line.claim_first(wakes);
}

void QueueBase::Joining::give_up() noexcept {
    const std::lock_guard lock(queue_.mutex_);
    (void)queue_.joiners_.settle(*this);
}

}  // namespace weft::sync
