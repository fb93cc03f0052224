// ParkingLot: the tasks that wait at a primitive, in order of arrival: under every lock, event, semaphore, condition,
// queue, broadcast and watch. Parked: one of them. It lives in the awaiter, hence in the frame of the coroutine that
// waits: a wait allocates nothing, and leaves in constant time.
//
// Invariant: a Parked leaves `parked` once, under the mutex, and whoever takes it out owns the wake of its task: a grant
// and a cancellation have one winner. A wake schedules and runs nothing; it comes after the mutex is released. What was
// granted to a task that then does not take it goes to the next in line: the primitive looks at how each wait ended.
//
//     park --> parked --claim--> claimed --wake--> woken ------.
//                 '------cancel----------------> cancelled ----'--the task resumes, or its frame ends--> settled
//
// A task may be in several lines at once (lines.hpp). Its places in them then share a Race: the first lot that wants to
// claim one of them has won; every other passes its place by: takes it out of line, and claims the next task.
//
//     parked --claim, another line has the task--> passed_by --the task resumes--> settled
//
// The mutex is the primitive's and guards its state, too, beside one lot or several. It is held for a few instructions.
//
// Orderings
//   the mutex (SpinLock's S1): links, counts, the way out of `parked`
//   P1 state: release store of woken and of passed_by,    the Parked is not freed, with its frame, while who took it out
//      acquire load by settle                               of line still reads it
//   a Race is relaxed: it carries nothing but who has won
//   T1, T2 (task_state.hpp): what the waker did before reaches the task that resumes
//
// Rejected: a future per wait (a reference count and a list of waiters for one waiter); waking under the mutex (a wake may
// be a system call); waiters that stay in line until their task resumes, as asyncio's do (a lot of a million cancelled
// ones would be searched; only a Lock needs them, see Leaving).
// Source: Trio's ParkingLot; WebKit's for the name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "scheduler/atomic.hpp"
#include "scheduler/spin_lock.hpp"
#include "sync/branch.hpp"
#include "sync/cancellable_wait.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

class ParkingLot;

// How a wait ended.
enum class Wait : std::uint8_t { woken, cancelled };
// How one who was in several lines left one of them: its turn had not come, or came, and was the first to.
enum class Left : std::uint8_t { waiting, passed_by, woken };

// Which of several lines has a task that waits in all of them.
class Race {
public:
    // Before it enters the first.
    void begin() noexcept { over_.store(false, std::memory_order_relaxed); }
    // True for one caller.
    [[nodiscard]] bool win() noexcept { return !over_.exchange(true, std::memory_order_relaxed); }

private:
    scheduler::Atomic<bool> over_{false};
};

class Parked : public CancellableWait {
public:
    // Only before it is awaited.
    Parked(Parked&& other) noexcept : lot_(other.lot_) {}
    Parked& operator=(Parked&&) = delete;

    [[nodiscard]] std::string in_words() const final;

protected:
    explicit Parked(ParkingLot& lot) noexcept : lot_(&lot) {}  // the rest is join_line's
    ~Parked() = default;

    // Parks the running task, unless `settled(wakes)`, called under the mutex, says that there is nothing to wait for:
    // then returns false. Otherwise the caller returns to the loop and touches nothing: the task may run elsewhere.
    template <class Settled>
    bool park(PromiseBase& innermost, Settled settled) {
        TaskState& task = task_to_suspend();
        if (!join_line(task, nullptr, settled)) return false;
        suspend_on(innermost, task, *this);
        return true;
    }
    // The first half of that, for a task that is about to wait. `race`: between this line and others, or null.
    template <class Settled>
    bool join_line(TaskState& task, Race* race, Settled settled);

    // In await_resume: it was parked, so the primitive has to settle how that ended. Throws CancelledError if that is
    // gone.
    [[nodiscard]] bool resumed() const {
        if (!unsettled()) return false;
        if (gone()) [[unlikely]]
            throw_cancelled();
        return true;
    }
    // The lot has ended before the wait.
    [[nodiscard]] bool gone() const noexcept { return lot_ == nullptr; }
    // In the destructor: its frame ends before anything was settled.
    [[nodiscard]] bool left_behind() noexcept {
        if (!unsettled()) [[likely]]
            return false;
        return !gone() || cut_off();
    }

    // For a primitive to which it makes no difference how a wait ended. Returns false if it is still in line.
    bool settle_alone() noexcept {
        settled_ = state_let_go() != State::parked;
        return settled_;
    }
    // For a task in several lines: it is away from here on. Returns how.
    Left leave() noexcept;

private:
    friend class ParkingLot;
    friend class Wakes;

    // Changed under the mutex, but for `woken`.
    enum class State : std::uint8_t { parked, claimed, woken, cancelled, passed_by };

    bool leave_cancelled() noexcept final;
    [[nodiscard]] bool unsettled() const noexcept { return task() != nullptr && !settled_; }
    // A waker that has taken it out of line is about to let go of it: that is waited for.
    [[nodiscard]] State state_let_go() const noexcept {
        const State state = state_.load(std::memory_order_acquire);  // P1
        if (state == State::claimed) [[unlikely]]
            return state_once_woken();
        return state;
    }
    [[nodiscard]] State state_once_woken() const noexcept;
    bool cut_off() noexcept;
    // No wake is to come for its task.
    void abandon() noexcept {
        if (race_ == nullptr) task()->abandon();  // otherwise that is for who is in all the lines
    }

    ParkingLot* lot_;  // null once that is gone
    // From join_line on.
    Parked* next_;
    Parked* previous_;
    Race* race_;
    scheduler::Atomic<State> state_;
    bool settled_;
};

// Those that were granted something under the mutex; their tasks are woken, in order, when it goes out of scope.
// Declared before the lock.
class Wakes {
public:
    Wakes() = default;
    Wakes(const Wakes&) = delete;
    Wakes& operator=(const Wakes&) = delete;
    ~Wakes() {
        if (first_ != nullptr) wake_all(*first_);
    }

private:
    friend class ParkingLot;

    void add(Parked& claimed) noexcept {
        claimed.next_ = nullptr;
        (first_ == nullptr ? first_ : last_->next_) = &claimed;
        last_ = &claimed;
    }
    static void wake_all(Parked& first) noexcept;

    Parked* first_ = nullptr;
    Parked* last_ = nullptr;
};

class ParkingLot {
public:
    // What a cancelled Parked does: leaves the line at once, or stays in it until its task resumes.
    enum class Leaving : std::uint8_t { at_once, when_resumed };

    // `what`: for reports, "lock". `mutex` is the primitive's.
    ParkingLot(std::string_view what, scheduler::SpinLock& mutex, std::string_view name,
               Leaving leaving = Leaving::at_once)
        : mutex_(mutex), name_(in_words(what, name)), leaving_(leaving) {}
    ParkingLot(const ParkingLot&) = delete;
    ParkingLot& operator=(const ParkingLot&) = delete;
    // Those that still wait are cut off, and reported in debug mode. Who has let the last user go may be about to leave
    // the mutex: that is waited for, so that a task may destroy what it was just given.
    ~ParkingLot() {
        {
            const std::lock_guard lock(mutex_);
        }
        if (first_ != nullptr) [[unlikely]]
            cut_off();
    }

    [[nodiscard]] scheduler::SpinLock& mutex() noexcept { return mutex_; }
    // "lock 'cache'"
    [[nodiscard]] const std::string& in_words() const noexcept { return name_; }

    // The primitive ends although a task that it has granted something has not resumed: debug mode says so.
    void tell_of_granted() const noexcept;
    // A guard ends although what it holds "is free": it was released by hand.
    void tell_of_release(std::string_view is_free) const noexcept;

    // --- under the mutex ---------------------------------------------------------------------------------------

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    // Those that wait, without the cancelled ones that are still in line.
    [[nodiscard]] std::size_t parked() const noexcept { return parked_; }

    // Grants the oldest that is parked what it waits for. Returns false if there is none. Only if cancelled ones leave at
    // once.
    bool claim_first(Wakes& wakes) noexcept { return parked_ != 0 && claim_oldest(wakes); }
    // The same, only if nobody, not even a cancelled one, is before it in line.
    bool claim_head(Wakes& wakes) noexcept;
    void claim_all(Wakes& wakes) noexcept {
        while (claim_first(wakes)) {
        }
    }

    // In the task that has resumed, or with the frame that ends: the Parked is away from here on. One that still waits
    // for its turn counts as cancelled; what was granted is the caller's to take or to pass on.
    Wait settle(Parked& parked) noexcept {
        const Parked::State ended = parked.state_let_go();
        parked.settled_ = true;
        if (ended == Parked::State::woken) [[likely]]
            return Wait::woken;
        leave_unwoken(parked, ended);
        return Wait::cancelled;
    }

private:
    friend class Parked;

    [[nodiscard]] static std::string in_words(std::string_view what, std::string_view name);
    void add(Parked& parked) noexcept;
    void remove(Parked& parked) noexcept;
    bool claim_oldest(Wakes& wakes) noexcept;
    void leave_unwoken(Parked& parked, Parked::State ended) noexcept;
    bool claim_present(Wakes& wakes) noexcept;
    void cut_off() noexcept;

    scheduler::SpinLock& mutex_;
    Parked* first_ = nullptr;
    Parked* last_ = nullptr;
    std::size_t parked_ = 0;
    std::string name_;
    const Leaving leaving_;
};

inline void ParkingLot::add(Parked& parked) noexcept {
    parked.next_ = nullptr;  // it may have been in line before
    parked.previous_ = last_;
    (last_ == nullptr ? first_ : last_->next_) = &parked;
    last_ = &parked;
    ++parked_;
}

inline void ParkingLot::remove(Parked& parked) noexcept {
    (parked.previous_ == nullptr ? first_ : parked.previous_->next_) = parked.next_;
    (parked.next_ == nullptr ? last_ : parked.next_->previous_) = parked.previous_;
}

// The first in line leaves it in any case. Returns false if another line has its task.
inline bool ParkingLot::claim_present(Wakes& wakes) noexcept {
    Parked& parked = *first_;
    first_ = parked.next_;
    (first_ == nullptr ? last_ : first_->previous_) = nullptr;
    --parked_;
    if (parked.race_ != nullptr && !parked.race_->win()) {
        parked.state_.store(Parked::State::passed_by, std::memory_order_release);  // P1: as woken
        return false;
    }
    parked.state_.store(Parked::State::claimed, std::memory_order_relaxed);
    wakes.add(parked);
    return true;
}

inline bool ParkingLot::claim_head(Wakes& wakes) noexcept {
    if (first_ == nullptr || first_->state_.load(std::memory_order_relaxed) == Parked::State::cancelled) return false;
    return claim_present(wakes);
}

template <class Settled>
bool Parked::join_line(TaskState& task, Race* race, Settled settled) {
    Wakes wakes;
    const std::lock_guard lock(lot_->mutex_);
    if (settled(wakes)) return false;
    begin(task);
    race_ = race;
    lot_->add(*this);
    state_.store(State::parked, std::memory_order_relaxed);
    settled_ = false;
    return true;
}

}  // namespace weft::sync
