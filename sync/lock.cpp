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
    Wakes wakes;
    if (!try_release(wakes)) throw std::runtime_error("Lock is not acquired: release() of " + in_words());
}

// Under the mutex. If it returns false, the caller joins the line, or others are in it, or the holder clears it.
bool Lock::take_in_turn() noexcept {
    const std::uint32_t word = word_.fetch_or(kInLine, std::memory_order_acquire);  // K1
    const bool free = (word & kLocked) == 0 && !passing_ && lot_.parked() == 0;
    if (free) {
        word_.fetch_or(kLocked, std::memory_order_relaxed);
        forget_line();
    }
    return free;
}

// Under the mutex: the first in line may go, unless the lock is taken or under way to somebody.
void Lock::pass_on(Wakes& wakes) noexcept {
    if ((word_.load(std::memory_order_relaxed) & kLocked) == 0 && !passing_) passing_ = lot_.claim_head(wakes);
}

// Under the mutex.
void Lock::forget_line() noexcept {
    if (!passing_ && lot_.empty()) word_.fetch_and(~kInLine, std::memory_order_relaxed);
}

bool Lock::release_in_turn(Wakes& wakes) noexcept {
    const std::lock_guard lock(mutex_);
    if ((word_.fetch_and(~kLocked, std::memory_order_release) & kLocked) == 0) return false;  // K1
    pass_on(wakes);
    forget_line();
    return true;
}

void Lock::resume(Parked& parked) {
    bool interrupted = false;
    {
        Wakes wakes;
        const std::lock_guard lock(mutex_);
        interrupted = parked.interrupted();
        if (lot_.settle(parked) == Wait::woken) {
            passing_ = false;
            if (!interrupted) word_.fetch_or(kLocked, std::memory_order_relaxed);
        }
        if (interrupted) pass_on(wakes);
        forget_line();
    }
    if (interrupted) parked.throw_cancelled();
}

void Lock::give_up(Parked& parked) noexcept {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    if (lot_.settle(parked) == Wait::woken) passing_ = false;
    pass_on(wakes);
    forget_line();
}

void Lock::end_of_scope() noexcept {
    Wakes wakes;
    if (tenure_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
        sync::check_guard(lot_, holder());
    if (!try_release(wakes)) sync::warn("a guard ends, but its " + in_words() + " is free: it was released by hand");
}

// --- debug mode: the tenure changes hands under the mutex -------------------------------------------------------------

void Lock::begin_tenure() noexcept {
    sync::Tenure* const begun = sync::Tenure::begin(lot_);
    if (begun == nullptr) return;
    const std::lock_guard lock(mutex_);
    tenure_.store(begun, std::memory_order_relaxed);
}

void Lock::end_tenure() noexcept {
    sync::Tenure* ended = nullptr;
    {
        const std::lock_guard lock(mutex_);
        ended = tenure_.exchange(nullptr, std::memory_order_relaxed);
    }
    if (ended != nullptr) ended->end();
}

sync::FutureRef Lock::holder() const noexcept {
    const std::lock_guard lock(mutex_);
    const sync::Tenure* const tenure = tenure_.load(std::memory_order_relaxed);
    return tenure != nullptr ? tenure->holder() : sync::FutureRef();
}

void Lock::check_holder() const noexcept { sync::check_wait(lot_, holder()); }

}  // namespace weft
