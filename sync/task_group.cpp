#include "sync/task_group.hpp"

#include <mutex>
#include <stdexcept>

#include "sync/exception_handler.hpp"
#include "sync/interruption.hpp"

namespace weft::sync {

namespace {

using Lock = std::lock_guard<scheduler::Mutex>;

TaskState& task_of(const FutureRef& ref) { return static_cast<TaskState&>(ref.get()); }

}  // namespace

void TaskGroupState::enter() {
    if (entered_) throw std::runtime_error("TaskGroup has already been entered");
    TaskState* parent = running_task();
    if (parent == nullptr) throw std::runtime_error("TaskGroup cannot determine the parent task");
    parent->retain();
    parent_ = FutureRef(parent);
    home_.emplace(require_loop());
    entered_ = true;
}

void TaskGroupState::check_open() {
    const Lock lock(mutex_);
    if (!entered_) throw std::runtime_error("TaskGroup has not been entered");
    if (left_ || (exiting_ && newest_ == nullptr)) throw std::runtime_error("TaskGroup is finished");
    if (aborting_) throw std::runtime_error("TaskGroup is shutting down");
}

void TaskGroupState::add(const FutureRef& task) {
    auto* child = new TaskGroupChild(shared_from_this(), task);
    bool late = false;
    {
        const Lock lock(mutex_);
        late = aborting_;  // another task's failure came between check_open and here
        child->older_child_ = newest_;
        (newest_ != nullptr ? newest_->newer_child_ : oldest_) = child;
        newest_ = child;
    }
    const FutureRef kept = task;
    if (kept.get().add_waiter(*child) == FutureState::Add::already_done) {
        child->wake();
    } else if (late) {
        kept.get().cancel({});
    }
}

void TaskGroupState::unlist(TaskGroupChild& child) noexcept {
    (child.newer_child_ != nullptr ? child.newer_child_->older_child_ : newest_) = child.older_child_;
    (child.older_child_ != nullptr ? child.older_child_->newer_child_ : oldest_) = child.newer_child_;
}

std::vector<FutureRef> TaskGroupState::start_abort() {
    aborting_ = true;
    std::vector<FutureRef> unfinished;
    for (TaskGroupChild* child = oldest_; child != nullptr; child = child->newer_child_) {
        if (!child->task_.get().done()) unfinished.push_back(child->task_);
    }
    return unfinished;
}

void TaskGroupState::child_done(TaskGroupChild& child) noexcept {
    FutureState& task = child.task_.get();
    const std::exception_ptr failure = task.outcome() == Outcome::exception ? task.failure() : nullptr;
    FutureRef emptied;
    std::vector<FutureRef> to_cancel;
    FutureRef parent;
    bool nobody_listens = false;
    {
        const Lock lock(mutex_);
        unlist(child);
        if (newest_ == nullptr) emptied = emptied_;
        if (failure != nullptr) {
            errors_.push_back(failure);
            if (base_error_ == nullptr && is_interruption(failure)) base_error_ = failure;
            nobody_listens = left_ || parent_.get().done();
            if (!nobody_listens && !aborting_ && !parent_cancelled_) {
                to_cancel = start_abort();
                parent_cancelled_ = true;
                parent = parent_;
            }
        }
        // Under the mutex: the exit looks at the number of children and at this request together.
        for (const FutureRef& sibling : to_cancel) sibling.get().cancel({});
        if (parent.pointer() != nullptr) parent.get().cancel({});
    }
    if (nobody_listens) {
        TaskState& failed = task_of(child.task_);
        report("Task " + failed.name() + " has errored out but its parent task is already completed", failed, failure);
    }
    if (emptied.pointer() != nullptr) (void)static_cast<ValueFutureState<void>&>(emptied.get()).try_set_value();
}

Coro<> TaskGroupState::leave(std::exception_ptr failure) {
    const std::shared_ptr<TaskGroupState> self = shared_from_this();
    std::exception_ptr cancellation = failure != nullptr && is_cancellation(failure) ? failure : nullptr;
    const auto abort = [this] {
        std::vector<FutureRef> unfinished;
        {
            const Lock lock(mutex_);
            if (aborting_) return false;
            unfinished = start_abort();
        }
        for (const FutureRef& child : unfinished) child.get().cancel({});
        return true;
    };
    {
        const Lock lock(mutex_);
        exiting_ = true;
        if (failure != nullptr && base_error_ == nullptr && is_interruption(failure)) base_error_ = failure;
    }
    if (failure != nullptr) (void)abort();
    for (;;) {
        FutureRef emptied;
        {
            const Lock lock(mutex_);
            if (newest_ == nullptr) {
                left_ = true;
                break;
            }
            emptied = FutureRef(new ValueFutureState<void>);
            emptied_ = emptied;
        }
        FutureAwaiter<void> all_gone(emptied.get());
        try {
            co_await all_gone;
        } catch (...) {
            const std::exception_ptr interrupted = std::current_exception();
            if (abort()) cancellation = interrupted;
        }
        const Lock lock(mutex_);
        emptied_ = FutureRef();
    }
    TaskState& parent = task_of(parent_);
    if (base_error_ != nullptr) std::rethrow_exception(base_error_);
    if (parent_cancelled_ && parent.uncancel() == 0) cancellation = nullptr;
    if (cancellation != nullptr && errors_.empty()) std::rethrow_exception(cancellation);
    if (failure != nullptr && !is_cancellation(failure)) errors_.push_back(failure);
    if (errors_.empty()) co_return;
    if (parent.cancelling() != 0) {  // rule 191: delivered again at the next suspension
        parent.uncancel();
        parent.cancel({});
    }
    throw ExceptionGroup("unhandled errors in a TaskGroup", std::exchange(errors_, {}));
}

void TaskGroupState::abandon() noexcept {
    const Lock lock(mutex_);
    left_ = true;
    parent_ = FutureRef();
}

const WatchHome& TaskGroupChild::home() const noexcept { return *group_->home_; }

void TaskGroupChild::ended() noexcept {
    const std::shared_ptr<TaskGroupState> group = group_;
    group->child_done(*this);
    delete this;
}

void TaskGroupChild::abandon() noexcept {
    const std::shared_ptr<TaskGroupState> group = group_;
    {
        const Lock lock(group->mutex_);
        group->unlist(*this);
    }
    delete this;
}

}  // namespace weft::sync

namespace weft {

TaskGroup::TaskGroup() : state_(std::make_shared<sync::TaskGroupState>()) {}

}  // namespace weft
