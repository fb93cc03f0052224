#include "sync/lock.hpp"

#include <mutex>
#include <stdexcept>

#include "sync/report.hpp"
#include "sync/tenure.hpp"

namespace weft {

using sync::Parked;
using sync::Wait;
using sync::Wakes;

bool Lock::try_acquire() {
    bool taken_now = try_take();
    if (!taken_now) {
        const std::lock_guard lock(mutex_);
        taken_now = take_in_turn();
    }
    if (taken_now) taken();
    return taken_now;
}

void Lock::release() {
    if (tenure_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
        end_tenure();
    Wakes wakes;
    if (!try_release(wakes)) throw std::runtime_error("Lock is not acquired: release() of " + in_words());
}

std::uint32_t Lock::close_open() noexcept {
    closed_.store(true, std::memory_order_relaxed);
    return word_.fetch_or(kInLine, std::memory_order_acquire);  // K1
}

void Lock::resume(Parked& parked) {
    if (parked.interrupted()) [[unlikely]] {
        give_up(parked);
        parked.throw_cancelled();
    }
    const std::lock_guard lock(mutex_);
    (void)lot_.settle(parked);  // not cancelled, so it was woken
    passing_ = false;
    open(true);
}

void Lock::give_up(Parked& parked) noexcept {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    if (lot_.settle(parked) == Wait::woken) passing_ = false;
    const bool locked = (close() & kLocked) != 0;
    if (!locked) pass_on(wakes);
    open(locked);
}

void Lock::end_of_scope_in_turn() noexcept {
    Wakes wakes;
    if (!release_in_turn(wakes)) [[unlikely]]
        lot_.tell_of_release("is free");
}

// --- debug mode: the tenure changes hands under the mutex -------------------------------------------------------------

// Under the mutex. Returns the one before.
sync::Tenure* Lock::replace_tenure(sync::Tenure* with) noexcept {
    sync::Tenure* const before = tenure_.load(std::memory_order_relaxed);
    tenure_.store(with, std::memory_order_relaxed);
    return before;
}

void Lock::begin_tenure() noexcept {
    sync::Tenure* const begun = sync::Tenure::begin(lot_);
    if (begun == nullptr) return;
    sync::Tenure* over = begun;  // another thread was so fast as to release the lock
    {
        const std::lock_guard lock(mutex_);
        if (locked()) over = replace_tenure(begun);
    }
    if (over != nullptr) over->end();
}

void Lock::end_tenure() noexcept {
    sync::Tenure* ended = nullptr;
    {
        const std::lock_guard lock(mutex_);
        ended = replace_tenure(nullptr);
    }
    if (ended != nullptr) ended->end();
}

sync::FutureRef Lock::holder() const noexcept {
    const std::lock_guard lock(mutex_);
    const sync::Tenure* const tenure = tenure_.load(std::memory_order_relaxed);
    return tenure != nullptr ? tenure->holder() : sync::FutureRef();
}

void Lock::check_holder() const noexcept { sync::check_wait(lot_, holder()); }

void Lock::check_guard() const noexcept { sync::check_guard(lot_, holder()); }

}  // namespace weft
