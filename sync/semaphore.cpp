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

std::uint64_t checked_permits(std::ptrdiff_t permits) {
    if (permits < 0) {
        throw std::invalid_argument("Semaphore initial value must be >= 0, not " + std::to_string(permits));
    }
    return static_cast<std::uint64_t>(permits);
}

}  // namespace

Semaphore::Semaphore(std::ptrdiff_t permits, Bound bound, std::string_view name)
    : word_(checked_permits(permits) * kPermit),
      bound_(bound == Bound::initial ? checked_permits(permits) : std::numeric_limits<std::uint64_t>::max() / kPermit),
      lot_("semaphore", mutex_, name) {}

bool Semaphore::try_acquire() {
    if (try_take()) return true;
    const std::lock_guard lock(mutex_);
    return take_in_turn();
}

void Semaphore::release() {
    if (release_past_line() || release_in_turn()) return;
    throw std::invalid_argument("BoundedSemaphore released too many times: " + in_words());
}

bool Semaphore::locked() const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    if (word < kPermit) return true;
    if ((word & kInLine) == 0) return false;
    const std::lock_guard lock(mutex_);
    return word_.load(std::memory_order_relaxed) < kPermit || granted_ != 0 || !lot_.empty();
}

// Under the mutex: from here on, until open(), nobody goes past it. Returns the word.
std::uint64_t Semaphore::close() noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    if ((word & kInLine) != 0) return word;
    return word_.fetch_or(kInLine, std::memory_order_acquire) | kInLine;  // M1
}

// Under the mutex, closed: past it again if nobody is in line.
void Semaphore::open(std::uint64_t word) noexcept {
    const bool in_line = granted_ != 0 || !lot_.empty();
    word_.store(in_line ? word : word & ~kInLine, std::memory_order_release);  // M1
}

// Under the mutex. If it returns false, the caller joins the line, or `in_line` is for others or for the next release.
bool Semaphore::take_in_turn() noexcept {
    const std::uint64_t word = close();
    const bool free = word >= kPermit && granted_ == 0 && lot_.empty();
    if (free) open(word - kPermit);
    return free;
}

// Under the mutex, closed: one of the free permits to the first in line; there are both. Returns what the word is to be.
std::uint64_t Semaphore::hand_out(std::uint64_t word, Wakes& wakes) noexcept {
    (void)lot_.claim_first(wakes);
    ++granted_;
    return word - kPermit;
}

bool Semaphore::release_in_turn() noexcept {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    const std::uint64_t word = close();
    const bool room = word / kPermit < bound_;
    // One wakes one: who queued only because others had not resumed is woken by them.
    const std::uint64_t next = room ? word + kPermit : word;
    open(room && lot_.parked() != 0 ? hand_out(next, wakes) : next);
    return room;
}

// Under the mutex.
void Semaphore::settle(Parked& parked, Wakes& wakes, bool takes) noexcept {
    std::uint64_t word = close();
    if (lot_.settle(parked) == Wait::woken) {
        --granted_;
        if (!takes) word += kPermit;
    }
    // To those, too, that queued only because others had not resumed.
    while (word >= kPermit && lot_.parked() != 0) word = hand_out(word, wakes);
    open(word);
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

void Semaphore::end_of_scope_in_turn() noexcept {
    if (!release_in_turn()) [[unlikely]]
        lot_.tell_of_release("has all its permits");
}

}  // namespace weft
