// Branch and Join: fork_join's halves. A branch is a task that has not needed to be one yet: it runs inside its
// parent's step, by transfer of control, with no state of its own and no atomic operation, until something makes it a
// task: a thief or the loop starts it, it suspends, or somebody looks at it (current_task).
//
// Invariant: a branch runs *inline* (nested in the step of the task that forked it, on that task's loop) or *detached*
// (as a task with its own step), and goes from inline to detached once, when it or a coroutine it awaits suspends.
// Branches of one join start in argument order when inline; when branch k runs inline, 0..k-1 have ended inline,
// except those that were stolen, which the join counts in `stolen_`. Thieves take the highest index first, so if the
// next sibling is not on top of the private deque, that sibling and all pushed after it were stolen.
//
// When an inline branch suspends, everything around it is suspended with it: each enclosing branch becomes a task too
// (materialise), and each enclosing join is armed with the number of branches that have not ended inline.
//
//     Join::pending_: 0 --branch ended detached: - 1-->     --parent arms: + outstanding-->   whoever makes it 0 goes on:
//     the parent at once if it was the parent, else the last branch wakes the parent's task.
//
//     Branch::word_: not begun --begin (loop, thief, or materialise)--> task        one winner: a cancelled branch that
//                        '------refuse (canceller)--------------------> never       has not begun never starts
//
// Orderings
//   J1 pending: acq_rel add by the parent that waits for thieves,       results reach the parent; waiter_ the last branch
//      acq_rel sub by each branch; relaxed add by one that is
//      suspended with a branch, which then ends itself: its sub tells
//   J2 branch word: release CAS by who begins it, release store by      the task reaches the canceller, and who looks for the
//      materialise; acquire by the canceller if its relaxed CAS fails,   context of what forked it
//      acquire load in task()
// A branch that is refused (`never`) hands over nothing.
//
// Who touches what: everything but pending_ and word_ belongs to the parent's strand until the join is armed; then to
// nobody but cancel(), which has borrowed the parent, until the join is over.
// Source: Spice and Lace for private-until-stolen; libfork for the join; prototypes of this project.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "scheduler/loop.hpp"
#include "sync/current.hpp"
#include "sync/promise.hpp"
#include "sync/strand.hpp"
#include "sync/task_state.hpp"
#include "sync/transfer.hpp"
#include "sync/when_profiled.hpp"

namespace weft::sync {

class Join;

class Branch final : public scheduler::Runnable {
public:
    // `last`: no sibling lies behind it.
    Branch(PromiseBase* root, Join& join, bool last) noexcept : root_(root), join_(&join), last_(last) {
        root->return_to(*this);
    }
    Branch(const Branch&) = delete;
    Branch& operator=(const Branch&) = delete;
    ~Branch() {
        if (word_.load(std::memory_order_relaxed) == kNotBegun) [[likely]] {
            root_->handle().destroy();
        } else {
            drop_with_task();
        }
    }

    // Begins detached. Thread: the loop that took it from its deque or queue, or a thief's.
    void run() noexcept override;
    void drop() noexcept override {}

    // The root coroutine has ended. Returns where control goes.
    Transfer ended() noexcept;

    // The context that the running branch reads: its own if it is a task, else that of what forked it.
    [[nodiscard]] ContextSlot& context_to_read() const noexcept;

    // Becomes a task without leaving its parent's step. Thread: the one that runs it. Throws std::bad_alloc.
    TaskState& materialise();

    // Refuses to begin, or cancels the task that it is. Only while the parent is borrowed.
    void cancel(std::string_view message) noexcept;

    [[nodiscard]] PromiseBase& root() const noexcept { return *root_; }
    // The coroutine that joins it.
    [[nodiscard]] PromiseBase& parent() const noexcept;
    // The task that it has become, or null.
    [[nodiscard]] TaskState* task() const noexcept {
        const std::uintptr_t word = word_.load(std::memory_order_acquire);  // J2
        return word == kNever ? nullptr : reinterpret_cast<TaskState*>(word);
    }

    // What its strands have come to. Once the join is over.
    [[nodiscard]] const Tally& tally() const noexcept { return *tally_; }
    // Of the branch that `promise` runs in; null for a task's own coroutines.
    [[nodiscard]] static Tally* tally_around(const PromiseBase& promise) noexcept;

private:
    friend class Join;
    friend class BranchTask;
    friend bool suspend_branch_on(PromiseBase& innermost, FutureState& future, TaskState*& suspended);
    friend TaskState& suspending_branch();
    friend TaskState& branch_to_suspend();
    friend void suspend_branch_on(PromiseBase& innermost, TaskState& task, Awaited& awaited) noexcept;

    static constexpr std::uintptr_t kNotBegun = 0;
    static constexpr std::uintptr_t kNever = 1;

    [[nodiscard]] ContextSlot& parents_context() const noexcept;
    [[nodiscard]] ContextSlot copy_parents_context() const;
    Transfer ended_detached() noexcept;
    void ended_as_inline_task() noexcept;
    void drop_with_task() noexcept;

    PromiseBase* root_;  // owned; null once its task was dismantled
    Join* join_;
    scheduler::Atomic<std::uintptr_t> word_{kNotBegun};
    const bool last_;
    bool pushed_ = false;
    [[no_unique_address]] WhenProfiled<Tally> tally_;
};

class Join final : public Awaited {
public:
    Join(Branch* first, std::uint32_t count) noexcept : first_(first), count_(count) {}
    Join(const Join&) = delete;
    Join& operator=(const Join&) = delete;

    // Starts branch 0 inline and offers the others to thieves. The last thing that a forking coroutine does.
    Transfer fork(PromiseBase& parent) {
        Current& here = current();
        scheduler::Loop& loop = *scheduler::current_loop();
        parent_ = &parent;
        outer_ = here.branch;
        if constexpr (kProfiled) *around_ = here.strand->tally();
        if (loop.fork_must_yield()) [[unlikely]]
            return fork_yielding();
        if (!loop.alone() && here.task->affinity() == scheduler::Affinity::stealable) {
            offers_ = true;
            offer(loop, 1);
        }
        return run_inline(*first_);
    }

    // In the resumed parent, first: adds what its branches have come to.
    void tally_branches() noexcept;

    // In the resumed parent: throws CancelledError if a cancellation is to be delivered.
    void deliver_cancel() {
        if (waiter_ != nullptr) [[unlikely]]
            waiter_->deliver_cancel();
    }
    // A cancel went to the branches: even if they swallowed it the parent raises it at the end, as gather does.
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }

    // Passes the parent's cancellation to every branch. Only while the parent is borrowed.
    bool cancel(std::string_view message) noexcept override;
    [[nodiscard]] std::string in_words() const override {
        return "fork_join of " + std::to_string(count_) + (count_ == 1 ? " branch" : " branches");
    }
    // Branches do not outlive their parent's frame.
    void keep(TaskState&) noexcept override {}

private:
    friend class Branch;
    friend class BranchTask;

    // Branches offered at a time: a long range is offered piece by piece and does not flood the deque.
    static constexpr std::uint32_t kWindow = 64;

    // Not past what is offered already: when the deque was full, only the higher ones of a window went in.
    void offer(scheduler::Loop& loop, std::uint32_t from) {
        const std::uint32_t limit = count_ - from < kWindow ? count_ : from + kWindow;
        std::uint32_t end = from;
        while (end != limit && !first_[end].pushed_) ++end;
        for (std::uint32_t i = end; i-- > from;) {
            first_[i].pushed_ = true;  // before a thief can see it
            if (loop.push_branch(first_[i])) continue;
            first_[i].pushed_ = false;
            return;
        }
    }

    Transfer fork_yielding();
    Transfer next_after(Branch& ended) noexcept;
    Transfer next_unless_stolen(Branch* next) noexcept;
    Transfer run_inline(Branch& next) noexcept {
        current().branch = &next;
        if constexpr (kProfiled) current().strand->switch_to(*next.tally_);
        return transfer_to(next.root_->handle());
    }
    Transfer all_ended_inline() noexcept;
    Transfer wait_for_stolen() noexcept;
    void branch_ended_detached() noexcept;
    static void materialise_around(const Current& here);
    static void detach(Current& here) noexcept;
    friend bool suspend_branch_on(PromiseBase& innermost, FutureState& future, TaskState*& suspended);
    friend TaskState& suspending_branch();
    friend TaskState& branch_to_suspend();
    friend void suspend_branch_on(PromiseBase& innermost, TaskState& task, Awaited& awaited) noexcept;

    Branch* const first_;
    PromiseBase* parent_;  // from the fork on, as outer_
    Branch* outer_;  // the branch that the parent runs in, if it is inline itself
    TaskState* waiter_ = nullptr;  // the parent's task, once the parent is suspended
    std::uint32_t stolen_ = 0;
    scheduler::Atomic<std::int32_t> pending_{0};
    const std::uint32_t count_;
    bool cancelled_ = false;
    bool offers_ = false;  // to thieves
    [[no_unique_address]] WhenProfiled<Tally*> around_;  // the parent's
};

inline PromiseBase& Branch::parent() const noexcept { return *join_->parent_; }

inline Transfer Branch::ended() noexcept {
    if (current().branch != this) [[unlikely]]
        return ended_detached();
    if (word_.load(std::memory_order_relaxed) != kNotBegun) [[unlikely]]
        ended_as_inline_task();
    return join_->next_after(*this);
}

inline Transfer Join::next_after(Branch& ended) noexcept {
    if (ended.last_) return all_ended_inline();
    Branch* const next = &ended + 1;
    if (offers_ && !scheduler::current_loop()->pop_private_branch(*next)) [[unlikely]]
        return next_unless_stolen(next);
    return run_inline(*next);
}

inline Transfer Join::all_ended_inline() noexcept {
    current().branch = outer_;
    if constexpr (kProfiled) current().strand->close();
    if (stolen_ != 0) [[unlikely]]
        return wait_for_stolen();
    return transfer_to(parent_->handle());
}

// The task whose code runs on this thread; an inline branch becomes one for being looked at. Null outside tasks.
// Throws std::bad_alloc.
[[nodiscard]] inline TaskState* running_task() {
    const Current& here = current();
    return here.branch == nullptr ? here.task : &here.branch->materialise();
}

[[noreturn]] void throw_no_running_loop();
// Throws std::runtime_error "no running event loop".
[[nodiscard]] inline scheduler::Loop& require_loop() {
    scheduler::Loop* here = scheduler::current_loop();
    if (here == nullptr) [[unlikely]]
        throw_no_running_loop();
    return *here;
}

// For awaiters: suspends the running task on `future`. Returns false, and nothing has happened, if it is done already.
// On true the caller must return to the loop at once and touch nothing. `suspended` is set before.
[[nodiscard]] bool suspend_branch_on(PromiseBase& innermost, FutureState& future, TaskState*& suspended);
[[nodiscard]] inline bool suspend_on(PromiseBase& innermost, FutureState& future, TaskState*& suspended) {
    const Current& here = current();
    TaskState& task = *here.task;
    if (kProfiled || here.branch != nullptr || static_cast<FutureState*>(&task) == &future) [[unlikely]] {
        return suspend_branch_on(innermost, future, suspended);
    }
    suspended = &task;  // first: from the next line on the task may be woken and resumed elsewhere
    if (future.add_waiter(task) == FutureState::Add::already_done) {
        suspended = nullptr;
        return false;
    }
    task.suspend(innermost, future);
    return true;
}

// The same for what parks the task by itself. First: the task that is about to suspend. Nothing has happened yet, and
// nothing need follow. Throws std::bad_alloc.
[[nodiscard]] TaskState& branch_to_suspend();
[[nodiscard]] inline TaskState& task_to_suspend() {
    const Current& here = current();
    if (here.branch != nullptr) [[unlikely]]
        return branch_to_suspend();
    return *here.task;
}
// Then, when others know it already: suspends it until `awaited` has woken it. As TaskState::suspend.
void suspend_branch_on(PromiseBase& innermost, TaskState& task, Awaited& awaited) noexcept;
inline void suspend_on(PromiseBase& innermost, TaskState& task, Awaited& awaited) noexcept {
    if (kProfiled || current().branch != nullptr) [[unlikely]]
        return suspend_branch_on(innermost, task, awaited);
    task.suspend(innermost, awaited);
}

// Throws std::runtime_error: a task cannot await itself.
[[noreturn]] void refuse_own_end(const TaskState& task);

// What a task that suspended in suspend_on() begins with: a cancellation comes first (rule 78), then the refusal of
// rule 62, which costs a turn as in CPython.
inline void resume_from(FutureState& future, TaskState& suspended) {
    suspended.deliver_cancel(future);
    if (&future == static_cast<FutureState*>(&suspended)) [[unlikely]]
        refuse_own_end(suspended);
}

// For awaiters that arrange their own wake: the running task, detached from its parents' steps. To be followed by its
// suspend or yield. Throws std::bad_alloc.
[[nodiscard]] TaskState& suspending_branch();
[[nodiscard]] inline TaskState& suspending_task() {
    const Current& here = current();
    if (kProfiled || here.branch != nullptr) [[unlikely]]
        return suspending_branch();
    return *here.task;
}

// True if an exception is a CancelledError: then a coroutine that it leaves ends as cancelled.
[[nodiscard]] bool is_cancellation(const std::exception_ptr& failure) noexcept;

// --- the end of a coroutine ---------------------------------------------------------------------------------------

struct PromiseBase::FinalSuspend {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_resume() const noexcept {}

    template <class Promise>
    [[gnu::always_inline]] Transfer await_suspend(std::coroutine_handle<Promise> self) const noexcept {
        PromiseBase& promise = self.promise();
        if (promise.returns_to_branch()) return promise.branch().ended();
        if (promise.returns() == Returns::to_call) return transfer_to(promise.call().caller_->handle());
        promise.task().body_ended(promise);
        current().finished = &promise.task();
        return transfer_to_loop();
    }
};

inline PromiseBase::FinalSuspend PromiseBase::final_suspend() noexcept { return {}; }

}  // namespace weft::sync
