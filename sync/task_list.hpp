// TaskList: the live tasks of one loop: who is to be cancelled at the end, and who is owned by the runtime.
//
// Invariant: a task is listed from add() until it is done, or dismantled. The loop itself adds without a lock; others,
// who make a task for it, have a table of their own, under a mutex. Leaving costs one compare-exchange, wherever the
// task ends (see TaskSlot).
//
// Thread: any of the loop's group.
#pragma once

#include <mutex>

#include "scheduler/atomic.hpp"
#include "scheduler/loop.hpp"
#include "sync/task_slots.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

class TaskList {
public:
    explicit TaskList(scheduler::Loop& loop);
    TaskList(const TaskList&) = delete;
    TaskList& operator=(const TaskList&) = delete;
    // The loop closes with tasks left: reports and dismantles them.
    ~TaskList();

    // Throws std::bad_alloc.
    [[gnu::always_inline]] void add(TaskState& task) {
        if (scheduler::current_loop() == &loop_) [[likely]] {
            put(task, own_);
        } else {
            const std::lock_guard lock(foreign_mutex_);
            put(task, foreign_);
        }
    }

    // Calls visit(task) for each task that is not done: it may only take references.
    template <class Visit>
    void each(Visit visit) {
        const auto visit_live = [&visit](TaskState& task) {
            if (!task.done()) visit(task);
        };
        const auto visit_slot = [&visit_live](TaskSlot& slot) { slot.visit(visit_live); };
        own_.each(visit_slot);
        foreign_.each(visit_slot);
    }

private:
    [[gnu::always_inline]] static void put(TaskState& task, TaskSlots& slots) {
        TaskSlot& slot = slots.take();
        task.slot_ = &slot;
        slot.put(task);
    }

    scheduler::Loop& loop_;
    TaskSlots own_;
    TaskSlots foreign_;
    scheduler::Mutex foreign_mutex_;
};

}  // namespace weft::sync
