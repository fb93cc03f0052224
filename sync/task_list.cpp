#include "sync/task_list.hpp"

#include "sync/exception_handler.hpp"

namespace weft::sync {

TaskList::TaskList(scheduler::Loop& loop) : loop_(loop), shared_(!loop.alone()) { make_exception_handler(loop); }

TaskList::~TaskList() {
    run();
    while (newest_ != nullptr) {
        TaskState& task = *newest_;
        report("Task was destroyed but it is pending!", task, nullptr);
        task.dismantle();
    }
}

void TaskList::add(TaskState& task) {
    const Guard guard(*this);
    task.older_ = newest_;
    if (newest_ != nullptr) newest_->newer_ = &task;
    newest_ = &task;
}

void TaskList::remove(TaskState& task) noexcept {
    const Guard guard(*this);
    unlink(task);
}

void TaskList::retire(TaskState& task) noexcept {
    if (shared_ && scheduler::current_loop() != &loop_ && !loop_.parked()) return leave(task);
    remove(task);
}

void TaskList::leave(TaskState& task) noexcept {
    task.retain();
    TaskState* newest = ended_.load(std::memory_order_relaxed);
    do {
        task.next_ = newest;
    } while (!ended_.compare_exchange_weak(newest, &task, std::memory_order_acq_rel,  // E1
                                           std::memory_order_relaxed));
    // Only the first sends the list, and run() has taken all before there is another first. A closed loop destroys it.
    if (newest == nullptr) (void)loop_.post(*this);
}

void TaskList::unlink(TaskState& task) noexcept {
    (task.newer_ != nullptr ? task.newer_->older_ : newest_) = task.older_;
    if (task.older_ != nullptr) task.older_->newer_ = task.newer_;
}

void TaskList::run() noexcept {
    TaskState* const ended = ended_.exchange(nullptr, std::memory_order_acq_rel);  // E1
    if (ended == nullptr) return;
    const auto left_before = [](const TaskState& task) { return static_cast<TaskState*>(task.next_); };
    {
        const Guard guard(*this);
        for (TaskState* task = ended; task != nullptr; task = left_before(*task)) unlink(*task);
    }
    for (TaskState* task = ended; task != nullptr;) {
        TaskState* const next = left_before(*task);
        task->release();
        task = next;
    }
}

}  // namespace weft::sync
