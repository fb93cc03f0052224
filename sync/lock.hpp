// Lock: one task at a time, in order of arrival, from any loop. Rules 223 to 225.
//
//     auto held = co_await lock.scoped();
//
// Invariant: released with tasks in line, the lock goes to the first of them: until that task has resumed the lock reads
// as free, yet nobody else gets it. Each task that leaves the line without it sees to it that the next is granted it.
// As in asyncio a cancelled task stays in line until it resumes, and a release that finds it in front leaves the
// granting to it.
//
//     free --take--> locked --release, nobody in line--> free
//                      |  '--release--> passing to the first in line --it resumes--> locked
//                      '<-----------------------------------'--it was cancelled: passing to the next, or free
//
// In debug mode it knows which task holds it, and tells of misuse (tenure.hpp).
//
// The word has `locked`, and `in_line` while anybody is in line or passed the lock: then nothing goes past the mutex,
// and who has that changes the word by plain stores. `closed` repeats `in_line` as a hint to who releases: whatever it
// says, the compare-exchange on the word decides, or the mutex. A look at the word itself, so soon after it was taken,
// costs 2 ns; no look at all a compare-exchange in vain for each hand-over.
//
// Orderings
//   K1 word: release in release_past_line and open,    what one holder wrote reaches the next
//      acquire in try_take and close
//   closed is relaxed: a hint
//   the mutex: the same from a holder to the one that it passes the lock to
//
// Rejected: barging (faster hand-overs between loops, no fairness; asyncio's rule forbids it).
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>

#include "scheduler/atomic.hpp"
#include "scheduler/spin_lock.hpp"
#include "sync/acquiring.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

namespace sync {
class Tenure;
class FutureRef;
}  // namespace sync

class Lock {
public:
    // `name` is for reports.
    explicit Lock(std::string_view name = {}) : lot_("lock", mutex_, name, sync::ParkingLot::Leaving::when_resumed) {
        if (sync::lock_not_held.lock == this) sync::lock_not_held = {};  // it was another lock's place
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
        end_tenure();
        if (passing_) [[unlikely]]
            lot_.tell_of_granted();
    }

    // Returns, when awaited, true. Cancel: the task leaves the line; what it was granted goes to the next.
    // Thread: a task's. Cost: one read-modify-write if it is free; a wait allocates nothing.
    [[nodiscard]] sync::Acquiring<Lock> acquire() { return sync::Acquiring<Lock>(*this); }

    // Returns, when awaited, a guard. Otherwise as acquire().
    [[nodiscard]] sync::AcquiringScoped<Lock> scoped() { return sync::AcquiringScoped<Lock>(*this); }

    // Returns false if it is held, or somebody is in line. Thread: any.
    [[nodiscard]] bool try_acquire();

    // Throws std::runtime_error if it is free. Thread: any, for the task that holds it.
    void release();

    // Thread: any.
    [[nodiscard]] bool locked() const noexcept { return (word_.load(std::memory_order_relaxed) & kLocked) != 0; }

    // "lock 'cache'"
    [[nodiscard]] const std::string& in_words() const noexcept { return lot_.in_words(); }

private:
    friend class Held<Lock>;
    friend class sync::Acquiring<Lock>;
    friend class Condition;

    static constexpr std::uint32_t kLocked = 1;
    static constexpr std::uint32_t kInLine = 2;

    [[nodiscard]] bool try_take() noexcept {
        std::uint32_t word = 0;
        return word_.compare_exchange_strong(word, kLocked, std::memory_order_acquire,  // K1
                                             std::memory_order_relaxed);
    }
    // Under the mutex. If it returns false, the caller joins the line, or others are in it, or the holder opens the word.
    [[nodiscard]] bool take_in_turn() noexcept {
        const bool free = (close() & kLocked) == 0 && !passing_ && lot_.parked() == 0;
        if (free) open(true);
        return free;
    }
    void resume(sync::Parked& parked);
    void give_up(sync::Parked& parked) noexcept;
    // The running task has it.
    void taken() {
        if (const scheduler::Loop* here = scheduler::current_loop(); here != nullptr && here->debug()) [[unlikely]]
            begin_tenure();
    }
    // The running task is about to wait.
    void before_wait() const noexcept {
        if (tenure_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
            check_holder();
    }
    [[nodiscard]] bool release_past_line() noexcept {
        std::uint32_t word = kLocked;
        return !closed_.load(std::memory_order_relaxed) &&
               word_.compare_exchange_strong(word, 0, std::memory_order_release,  // K1
                                             std::memory_order_relaxed);
    }
    // Inline, so that `wakes` stays in registers.
    [[nodiscard, gnu::always_inline]] bool release_in_turn(sync::Wakes& wakes) noexcept {
        const std::lock_guard lock(mutex_);
        const bool locked = (close() & kLocked) != 0;
        if (locked) pass_on(wakes);
        open(false);
        return locked;
    }
    [[nodiscard]] bool try_release(sync::Wakes& wakes) noexcept {
        return release_past_line() || release_in_turn(wakes);
    }
    void end_of_scope() noexcept {
        if (sync::lock_not_held.lock == this) [[unlikely]] {
            sync::lock_not_held = {};
            return;
        }
        if (tenure_.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
            check_guard();
            end_tenure();
        }
        if (!release_past_line()) end_of_scope_in_turn();
    }
    void end_of_scope_in_turn() noexcept;
    // Under the mutex: from here on, until open(), nobody goes past it. Returns the word.
    std::uint32_t close() noexcept {
        const std::uint32_t word = word_.load(std::memory_order_relaxed);
        return (word & kInLine) != 0 ? word : close_open();
    }
    std::uint32_t close_open() noexcept;
    // Under the mutex, closed: past it again if nobody is in line.
    void open(bool locked) noexcept {
        const bool in_line = passing_ || !lot_.empty();
        closed_.store(in_line, std::memory_order_relaxed);
        word_.store((in_line ? kInLine : 0) | (locked ? kLocked : 0), std::memory_order_release);  // K1
    }
    void begin_tenure() noexcept;
    void end_tenure() noexcept;
    sync::Tenure* replace_tenure(sync::Tenure* with) noexcept;
    void check_holder() const noexcept;
    void check_guard() const noexcept;
    [[nodiscard]] sync::FutureRef holder() const noexcept;
    // Under the mutex: the lock is free, the first in line may go, unless it is under way to somebody.
    void pass_on(sync::Wakes& wakes) noexcept {
        if (!passing_) passing_ = lot_.claim_head(wakes);
    }

    scheduler::LoneAtomic<std::uint32_t> word_{0};
    mutable scheduler::SpinLock mutex_;
    bool passing_ = false;  // under the mutex
    scheduler::Atomic<bool> closed_{false};
    sync::ParkingLot lot_;
    scheduler::Atomic<sync::Tenure*> tenure_{nullptr};  // owned; of the task that holds it, in debug mode
};

using LockGuard = Held<Lock>;

}  // namespace weft
