#include "sync/semaphore.hpp"

#include <mutex>
#include <stdexcept>
#include <string>

#include "sync/report.hpp"

namespace weft {

using sync::Parked;
using sync::Wait;
using sync::Wakes;

namespace {

std::uint64_t checked(std::ptrdiff_t permits) {
    if (permits < 0) {
        throw std::invalid_argument("Semaphore initial value must be >= 0, not " + std::to_string(permits));
    }
    return static_cast<std::uint64_t>(permits);
}

}  // namespace

Semaphore::Semaphore(std::ptrdiff_t permits, Bound bound, std::string_view name)
    : word_(checked(permits) * kPermit),
      bound_(bound == Bound::initial ? checked(permits) : std::numeric_limits<std::uint64_t>::max() / kPermit),
      lot_("semaphore", mutex_, name) {}

bool Semaphore::try_acquire() {
    if (try_take()) return true;
    const std::lock_guard lock(mutex_);
    return take_in_turn();
}

void Semaphore::release() {
    if (!try_release()) throw std::invalid_argument("BoundedSemaphore released too many times: " + in_words());
}

bool Semaphore::locked() const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    if (word < kPermit) return true;
    if ((word & kInLine) == 0) return false;
    const std::lock_guard lock(mutex_);
    return word_.load(std::memory_order_relaxed) < kPermit || granted_ != 0 || !lot_.empty();
}

// Under the mutex. If it returns false, the caller joins the line, or `in_line` is for others.
bool Semaphore::take_in_turn() noexcept {
    const std::uint64_t word = word_.fetch_or(kInLine, std::memory_order_acquire);  // M1
    const bool free = word >= kPermit && granted_ == 0 && lot_.empty();
    if (free) {
        word_.fetch_sub(kPermit, std::memory_order_relaxed);
        forget_line();
    }
    return free;
}

// Under the mutex, in line: free permits to the first in line.
void Semaphore::hand_out(Wakes& wakes) noexcept {
    while (word_.load(std::memory_order_relaxed) >= kPermit && lot_.claim_first(wakes)) {
        word_.fetch_sub(kPermit, std::memory_order_relaxed);
        ++granted_;
    }
}

// Under the mutex.
void Semaphore::forget_line() noexcept {
    if (granted_ == 0 && lot_.empty()) word_.fetch_and(~kInLine, std::memory_order_relaxed);
}

bool Semaphore::release_in_turn() noexcept {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    std::uint64_t word = word_.fetch_or(kInLine, std::memory_order_relaxed);
    const bool room = word / kPermit < bound_;
    if (room) {
        word_.fetch_add(kPermit, std::memory_order_release);  // M1
        hand_out(wakes);
    }
    forget_line();
    return room;
}

// Under the mutex.
void Semaphore::settle(Parked& parked, Wakes& wakes, bool takes) noexcept {
    if (lot_.settle(parked) == Wait::woken) {
        --granted_;
        if (!takes) word_.fetch_add(kPermit, std::memory_order_release);  // M1
    }
    hand_out(wakes);  // to those, too, that queued only because others had not resumed
    forget_line();
}

void Semaphore::resume(Parked& parked) {
    bool interrupted = false;
    {
        Wakes wakes;
        const std::lock_guard lock(mutex_);
        interrupted = parked.interrupted();
        settle(parked, wakes, !interrupted);
    }
    if (interrupted) parked.throw_cancelled();
}

void Semaphore::give_up(Parked& parked) noexcept {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    settle(parked, wakes, false);
}

void Semaphore::end_of_scope() noexcept {
    if (!try_release()) sync::warn("a guard ends, but " + in_words() + " has all its permits: it was released by hand");
}

}  // namespace weft
