// TaskList: the live tasks of one loop: who is to be cancelled at the end, and who is owned by the runtime.
//
// Invariant: a task is listed from enlist() until it is done, and then until its own loop has unlinked it. Only who
// holds the lock links and unlinks.
//
// A loop by itself pays no lock. In a group a task mostly ends on the loop that lists it; one that was stolen ends
// elsewhere, and would take the list's cache line away from its loop each time. So it is left in `ended_`, a stack with
// a reference of its own, and the first to be left there sends the list itself to its loop, which unlinks them all. If
// the loop sleeps there is nobody to disturb: then the thief unlinks. The stack is linked through next_, which a task
// that ended by itself does not need any more; one that is dismantled may still stand in a future's list by it.
//
// Orderings
//   E1 ended: acq_rel CAS in leave, acq_rel exchange in run    the done task's links reach its loop; the loop's last use
//                                                              of the list's own link reaches who sends it next
//
// Thread: any of the loop's group.
// Rejected: a mutex (two read-modify-writes a section, and a rival sleeps); thieves that take the lock (the line goes
// to and fro: on two loops a million tasks took longer than on one).
#pragma once

#include "scheduler/atomic.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"
#include "scheduler/spin_lock.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

class TaskList final : private scheduler::Runnable {
public:
    explicit TaskList(scheduler::Loop& loop);
    TaskList(const TaskList&) = delete;
    TaskList& operator=(const TaskList&) = delete;
    // The loop closes with tasks left: reports and dismantles them.
    ~TaskList();

    void add(TaskState& task);
    void remove(TaskState& task) noexcept;
    // The same for one that has just ended by itself: perhaps later.
    void retire(TaskState& task) noexcept;

    // Calls visit(task) for each task that is not done, newest first, under the lock: it may only take references.
    template <class Visit>
    void each(Visit visit) {
        const Guard guard(*this);
        for (TaskState* task = newest_; task != nullptr; task = task->older_) {
            if (!task->done()) visit(*task);
        }
    }

private:
    class Guard {
    public:
        explicit Guard(TaskList& list) : list_(list) {
            if (list_.shared_) list_.lock_.lock();
        }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() {
            if (list_.shared_) list_.lock_.unlock();
        }

    private:
        TaskList& list_;
    };

    // Unlinks what has ended elsewhere.
    void run() noexcept override;
    void drop() noexcept override {}

    void leave(TaskState& task) noexcept;
    void unlink(TaskState& task) noexcept;

    scheduler::Loop& loop_;
    const bool shared_;
    scheduler::SpinLock lock_;
    TaskState* newest_ = nullptr;
    alignas(64) scheduler::Atomic<TaskState*> ended_{nullptr};
};

}  // namespace weft::sync
