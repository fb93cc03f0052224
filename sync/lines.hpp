// Lines: a task that waits in several lines at once, until it is notified in one of them.
//
// Invariant: it is woken once. The lines' lots and the task's canceller compete for its Race; the winner wakes it. It
// leaves what it is still in as soon as it resumes, or with its frame. If one of the lots has ended by then, it gets a
// CancelledError: it may not look there again.
//
//     none --enter each in turn--> in all --one lot, or the canceller, wins--> woken --resume: leave--> none
//       '<--leave, if there is something already, and nobody has won--'
//
// If a lot has won while the others were still being entered, the task suspends all the same: its wake is under way.
//
// Orderings
//   the lots' mutexes, one at a time: places in line; P1, T1, T2 as for every wait (parking_lot.hpp)
//
// Rejected: taking what was notified in every line (an item each, and only one wanted); places that stay in line until the
// task has resumed (a lot would walk over the places of many that have gone elsewhere, again and again).
#pragma once

#include <coroutine>
#include <cstddef>
#include <span>
#include <string>

#include "sync/branch.hpp"
#include "sync/cancellable_wait.hpp"
#include "sync/notified.hpp"

namespace weft::sync {

class Lines : public CancellableWait {
public:
    // In each, how it was left: written when the task resumes.
    Lines(std::span<Notified* const> lines, std::span<Left> left) noexcept : lines_(lines), left_(left) {}
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    ~Lines() {
        if (waiting_) [[unlikely]]
            give_up();
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        TaskState& task = task_to_suspend();
        if (!enter(task)) return false;
        suspend_on(self.promise(), task, *this);
        return true;
    }

    void await_resume();

    // "queue 'jobs' or event 'stop'"
    [[nodiscard]] std::string in_words() const override;

private:
    bool leave_cancelled() noexcept override { return race_.win(); }
    bool enter(TaskState& task);
    void leave() noexcept;
    void give_up() noexcept;

    const std::span<Notified* const> lines_;
    const std::span<Left> left_;
    Race race_;
    bool waiting_ = false;
};

}  // namespace weft::sync
