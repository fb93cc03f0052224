#include "sync/branch.hpp"

#include <stdexcept>
#include <typeinfo>
#include <utility>

#include "scheduler/schedule.hpp"
#include "sync/errors.hpp"

namespace weft::sync {

using scheduler::Affinity;
using scheduler::Loop;

// The task that a branch has become. Its frame and the reference to it belong to the Branch.
class BranchTask final : public TaskState {
public:
    BranchTask(Branch& branch, Affinity affinity)
        : TaskState(branch.root(), *scheduler::current_loop(), affinity, 1, branch.copy_parents_context()),
          branch_(branch) {
        enlist();
    }

    [[nodiscard]] void* value() noexcept override { return nullptr; }

    // Entered already: it runs in its parent's step.
    void enter_inline() noexcept { entered_ = true; }

    void unlist() noexcept { publish(Outcome::value); }

private:
    friend class Branch;

    Outcome take_outcome() noexcept override {
        if (has_body()) (void)take_body();
        failure_ = branch_.root().failure_;
        mark_retrieved();  // the parent sees it
        if (failure_ == nullptr) return Outcome::value;
        return is_cancellation(failure_) ? Outcome::cancelled : Outcome::exception;
    }

    void overruled() noexcept override { branch_.root().failure_ = failure(); }

    void destroy_body() noexcept override {
        if (done()) {  // dismantled
            destroy_chain(take_body());
            branch_.root_ = nullptr;
        } else {  // cancelled before it was entered; the parent still reads the root's failure
            branch_.root().failure_ = std::make_exception_ptr(CancelledError());
        }
    }

    void let_go() noexcept override { branch_.join_->branch_ended_detached(); }
    void orphan() noexcept override {}

    Branch& branch_;
};

void Branch::run() noexcept {
    try {
        const auto affinity = pushed_ ? Affinity::stealable : join_->waiter_->affinity();
        if (word_.load(std::memory_order_relaxed) == kNotBegun) {  // J2
            auto* task = new BranchTask(*this, affinity);
            std::uintptr_t expected = kNotBegun;
            if (word_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(static_cast<TaskState*>(task)),
                                              std::memory_order_release, std::memory_order_relaxed)) {  // J2
                return task->run();
            }
            task->unlist();
            task->release();
        }
        root_->failure_ = std::make_exception_ptr(CancelledError());
    } catch (...) {
        root_->failure_ = std::current_exception();
    }
    join_->branch_ended_detached();
}

Transfer Branch::ended_detached() noexcept {
    if constexpr (kProfiled) current().strand->close();
    current().finished = task();
    return transfer_to_loop();
}

void Branch::ended_as_inline_task() noexcept {
    auto& self = static_cast<BranchTask&>(*task());
    self.publish(self.take_outcome());
}

ContextSlot& Branch::context_to_read() const noexcept {
    TaskState* own = task();
    return own != nullptr ? own->context() : parents_context();
}

// Found by way of the awaiting coroutines up to the next task, so that a fork need not note it. What forked a branch
// stands still until the join is over: any thread may look.
ContextSlot& Branch::parents_context() const noexcept {
    const PromiseBase* promise = join_->parent_;
    for (;;) {
        switch (promise->returns()) {
            case PromiseBase::Returns::to_call: promise = promise->call().caller_; break;
            case PromiseBase::Returns::to_task: return promise->task().context();
            case PromiseBase::Returns::to_branch: {
                const Branch& branch = promise->branch();
                if (TaskState* task = branch.task()) return task->context();
                promise = branch.join_->parent_;
                break;
            }
        }
    }
}

ContextSlot Branch::copy_parents_context() const {
    return ContextState::any_values() ? parents_context().copy() : ContextSlot();
}

Tally* Branch::tally_around(const PromiseBase& promise) noexcept {
    const PromiseBase* each = &promise;
    while (each->returns() == PromiseBase::Returns::to_call) each = each->call().caller_;
    if constexpr (kProfiled) {
        if (each->returns() == PromiseBase::Returns::to_branch) return &*each->branch().tally_;
    }
    return nullptr;
}

TaskState& Branch::materialise() {
    if (TaskState* existing = task()) return *existing;
    auto* task = new BranchTask(*this, current().task->affinity());
    task->enter_inline();
    word_.store(reinterpret_cast<std::uintptr_t>(static_cast<TaskState*>(task)), std::memory_order_release);  // J2
    return *task;
}

void Branch::cancel(std::string_view message) noexcept {
    std::uintptr_t word = kNotBegun;
    if (word_.compare_exchange_strong(word, kNever, std::memory_order_relaxed, std::memory_order_acquire))  // J2
        return;
    if (word != kNever) reinterpret_cast<TaskState*>(word)->cancel(message);
}

void Branch::drop_with_task() noexcept {
    if (TaskState* own = task()) {
        if (!own->done()) own->dismantle();
        own->release();
    }
    if (root_ != nullptr) root_->handle().destroy();
}

bool Join::cancel(std::string_view message) noexcept {
    cancelled_ = true;
    for (std::uint32_t i = 0; i < count_; ++i) first_[i].cancel(message);
    return true;
}

// The last thing that a detached branch does; whoever brings the count to zero lets the parent go on.
void Join::branch_ended_detached() noexcept {
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) waiter_->wake();  // J1
}

// Makes the innermost branch and all branches around it tasks, so that detaching them cannot fail.
void Join::materialise_around(const Current& here) {
    for (Branch* branch = here.branch; branch != nullptr; branch = branch->join_->outer_) branch->materialise();
}

// What runs in this step is about to suspend: every enclosing branch leaves its parent's step, every enclosing join is
// armed, every enclosing task waits on its join. None of them can be woken yet: the innermost is still ours.
void Join::detach(Current& here) noexcept {
    for (Branch* branch = here.branch; branch != nullptr;) {
        Join& join = *branch->join_;
        Branch* outer = join.outer_;
        TaskState& parent = outer != nullptr ? *outer->task() : *here.task;
        join.waiter_ = &parent;
        const auto index = static_cast<std::uint32_t>(branch - join.first_);
        const std::uint32_t outstanding = join.stolen_ + join.count_ - index;
        join.pending_.fetch_add(static_cast<std::int32_t>(outstanding), std::memory_order_relaxed);  // J1
        for (std::uint32_t i = index + 1; i < join.count_; ++i) {
            if (!join.first_[i].pushed_) {
                (void)scheduler::schedule(join.first_[i], parent.home(), parent.affinity());
            }
        }
        parent.suspend(*join.parent_, join);
        branch = outer;
    }
    here.branch = nullptr;
}

void Join::tally_branches() noexcept {
    if constexpr (kProfiled) {
        if (*around_ != nullptr) {
            (*around_)->join(count_, strand_clock().burden,
                             [this](std::uint32_t i) -> const Tally& { return first_[i].tally(); });
        }
        current().strand->open(*around_);
    }
}

// The loop wants to turn: all branches are queued as tasks instead of running on.
Transfer Join::fork_yielding() {
    Current& here = current();
    materialise_around(here);
    if constexpr (kProfiled) here.strand->close();
    TaskState& parent = here.branch != nullptr ? *here.branch->task() : *here.task;
    waiter_ = &parent;
    pending_.store(static_cast<std::int32_t>(count_), std::memory_order_relaxed);  // none has begun: J1
    detach(here);
    scheduler::Shell& home = parent.home();
    const Affinity affinity = parent.affinity();
    const std::uint32_t count = count_;
    Branch* const first = first_;
    PromiseBase& forking = *parent_;
    // The last branch to end resumes the parent, which ends this Join: suspend before any can run.
    parent.suspend(forking, *this);
    for (std::uint32_t i = 0; i < count; ++i) (void)scheduler::schedule(first[i], home, affinity);
    return transfer_to_loop();
}

// `next` is not the newest of what is private: it is public, stolen, or there was no room for it.
Transfer Join::next_unless_stolen(Branch* next) noexcept {
    Loop& loop = *scheduler::current_loop();
    Branch* const end = first_ + count_;
    if (next->pushed_) {
        if (loop.pop_branch(*next)) return run_inline(*next);
        do {
            ++stolen_;
            ++next;
        } while (next != end && next->pushed_);
    }
    if (next == end) return all_ended_inline();
    if (next + 1 != end) offer(loop, static_cast<std::uint32_t>(next + 1 - first_));
    return run_inline(*next);
}

// Everything that ran here is done; thieves still work on the rest.
Transfer Join::wait_for_stolen() noexcept {
    Current& here = current();
    materialise_around(here);
    waiter_ = here.branch != nullptr ? here.branch->task() : here.task;
    const auto stolen = static_cast<std::int32_t>(stolen_);
    if (pending_.fetch_add(stolen, std::memory_order_acq_rel) + stolen == 0) {  // J1
        waiter_ = nullptr;  // it did not suspend
        return transfer_to(parent_->handle());
    }
    TaskState& parent = *waiter_;
    detach(here);
    parent.suspend(*parent_, *this);
    return transfer_to_loop();
}

void throw_empty_coro() {
    throw InvalidStateError("Coro was already awaited, given away or moved from: expected one that has not started");
}

void throw_no_running_loop() { throw std::runtime_error("no running event loop"); }

TaskState& suspending_branch() {
    Current& here = current();
    if (here.branch == nullptr) {
        if constexpr (kProfiled) here.strand->close();
        return *here.task;
    }
    Join::materialise_around(here);
    if constexpr (kProfiled) here.strand->close();
    TaskState& task = *here.branch->task();
    Join::detach(here);
    return task;
}

TaskState& branch_to_suspend() {
    const Current& here = current();
    Join::materialise_around(here);
    return here.branch != nullptr ? *here.branch->task() : *here.task;
}

void suspend_branch_on(PromiseBase& innermost, TaskState& task, Awaited& awaited) noexcept {
    Current& here = current();
    if constexpr (kProfiled) here.strand->close();
    Join::detach(here);
    task.suspend(innermost, awaited);
}

bool suspend_branch_on(PromiseBase& innermost, FutureState& future, TaskState*& suspended) {
    Current& here = current();
    Join::materialise_around(here);
    TaskState& task = here.branch != nullptr ? *here.branch->task() : *here.task;
    suspended = &task;
    if (static_cast<FutureState*>(&task) == &future) [[unlikely]] {  // refused one turn later
        if constexpr (kProfiled) here.strand->close();
        Join::detach(here);
        task.yield(innermost);
        return true;
    }
    Tally* tally = nullptr;
    if constexpr (kProfiled) {
        tally = here.strand->tally();
        here.strand->close();
    }
    if (future.add_waiter(task) == FutureState::Add::already_done) {
        if constexpr (kProfiled) here.strand->open(tally);
        suspended = nullptr;
        return false;
    }
    Join::detach(here);
    task.suspend(innermost, future);
    return true;
}

void refuse_own_end(const TaskState& task) { throw std::runtime_error("Task cannot await on itself: " + task.name()); }

bool is_cancellation(const std::exception_ptr& failure) noexcept {
#ifdef __GLIBCXX__
    return *failure.__cxa_exception_type() == typeid(CancelledError);
#else
    try {
        std::rethrow_exception(failure);
    } catch (const CancelledError&) {
        return true;
    } catch (...) {
        return false;
    }
#endif
}

void destroy_chain(PromiseBase& innermost) noexcept {
    PromiseBase* promise = &innermost;
    while (promise->returns() == PromiseBase::Returns::to_call) {
        Call& call = promise->call();
        PromiseBase* caller = call.caller_;
        promise->handle().destroy();
        call.callee_ = nullptr;
        promise = caller;
    }
    promise->handle().destroy();
}

}  // namespace weft::sync
