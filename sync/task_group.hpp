// TaskGroup: tasks that end with the block that started them. If one fails, the others are cancelled, and all failures
// come out together as an ExceptionGroup. Rules 181 to 200.
//
// Invariant: the block is left only when no child is left; the parent is cancelled at most once by its group, and
// uncancelled once for that. A child leaves the count when its end is told (a turn after it on a loop by itself).
//
//     created --run--> in the body --body ends--> exiting --no child left--> finished
//                         '--a child fails, or the body does--> aborting: no child is started any more
//
// The parent, its children and the tellers of their ends may be on different loops: the bookkeeping is under a mutex,
// and a failure's cancels with it: the parent's exit looks at both together. Futures are completed outside of it.
// Source: asyncio's taskgroups.py.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "sync/coro.hpp"
#include "sync/exception_group.hpp"
#include "sync/fork_join.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"
#include "sync/watcher.hpp"

namespace weft {

class TaskGroup;

namespace sync {

class TaskGroupState;

// One child: owns itself and its group's state until its end is told.
class TaskGroupChild final : public Watcher, public scheduler::PooledFrame {
public:
    TaskGroupChild(std::shared_ptr<TaskGroupState> group, FutureRef task) noexcept
        : group_(std::move(group)), task_(std::move(task)) {}

    void abandon() noexcept override;

private:
    friend class TaskGroupState;

    [[nodiscard]] const WatchHome& home() const noexcept override;
    void ended() noexcept override;

    std::shared_ptr<TaskGroupState> group_;
    FutureRef task_;
    TaskGroupChild* newer_child_ = nullptr;
    TaskGroupChild* older_child_ = nullptr;
};

class TaskGroupState : public std::enable_shared_from_this<TaskGroupState> {
public:
    // Throws std::runtime_error if entered before, or outside of tasks.
    void enter();
    // Throws std::runtime_error if no child may be added (any more).
    void check_open();
    void add(const FutureRef& task);

    // The body has ended, with `failure` or normally (null): waits for the children, then throws what the group ends
    // with, if anything.
    Coro<> leave(std::exception_ptr failure);
    // The body's frame was destroyed.
    void abandon() noexcept;

private:
    friend class TaskGroupChild;

    void child_done(TaskGroupChild& child) noexcept;
    void unlist(TaskGroupChild& child) noexcept;
    // Returns the children that are to be cancelled, oldest first. Under the mutex.
    [[nodiscard]] std::vector<FutureRef> start_abort();

    scheduler::Mutex mutex_;
    std::optional<WatchHome> home_;
    FutureRef parent_;
    TaskGroupChild* newest_ = nullptr;
    TaskGroupChild* oldest_ = nullptr;
    FutureRef emptied_;  // a future that the parent awaits at the exit
    std::vector<std::exception_ptr> errors_;
    std::exception_ptr base_error_;  // SystemExit or KeyboardInterrupt
    bool entered_ = false;
    bool exiting_ = false;
    bool aborting_ = false;
    bool parent_cancelled_ = false;  // by this group
    bool left_ = false;
};

template <class B>
concept TaskGroupBody = std::invocable<B&, TaskGroup&> && Awaitable<std::invoke_result_t<B&, TaskGroup&>>;

template <class B>
using TaskGroupBodyResult = AwaitResult<std::invoke_result_t<B&, TaskGroup&>>;

}  // namespace sync

class TaskGroup {
public:
    TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Runs `body`, a callable Coro<T>(TaskGroup&), inside the awaiting task, waits for all children, and returns what
    // the body returned. Throws ExceptionGroup if anything failed; std::runtime_error if the group was used before.
    // Cancel: cancels the children and waits for them.
    template <class B>
        requires sync::TaskGroupBody<std::remove_cvref_t<B>>
    [[nodiscard]] Coro<sync::TaskGroupBodyResult<std::remove_cvref_t<B>>> run(B&& body) {
        return run_in_coro<std::remove_cvref_t<B>>(*this, std::forward<B>(body));
    }

    // As weft::create_task, for a child of this group. Thread: of the group's own tasks, on any loop.
    // Throws std::runtime_error before the block, after it, and once the group is aborting; the awaitable is dropped.
    template <class A>
        requires Awaitable<A>
    auto create_task(A&& awaitable, const TaskOptions& options = {}) -> Task<AwaitResult<A>> {
        state_->check_open();
        auto task = weft::create_task(std::forward<A>(awaitable), options);
        state_->add(task.ref());
        return task;
    }

    // As weft::spawn, for a child of this group.
    template <class F, class... Args>
        requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
    auto spawn(F&& fn, Args&&... args) {
        state_->check_open();
        auto task = weft::spawn(std::forward<F>(fn), std::forward<Args>(args)...);
        state_->add(task.ref());
        return task;
    }
    template <class F, class... Args>
        requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
    auto spawn(const TaskOptions& options, F&& fn, Args&&... args) {
        state_->check_open();
        auto task = weft::spawn(options, std::forward<F>(fn), std::forward<Args>(args)...);
        state_->add(task.ref());
        return task;
    }

private:
    // Ends the group if the body's frame is destroyed.
    class Entered {
    public:
        explicit Entered(sync::TaskGroupState& state) : state_(state) { state.enter(); }
        Entered(const Entered&) = delete;
        Entered& operator=(const Entered&) = delete;
        ~Entered() { state_.abandon(); }

    private:
        sync::TaskGroupState& state_;
    };

    template <class B>
    static Coro<sync::TaskGroupBodyResult<B>> run_in_coro(TaskGroup& group, B body) {
        using T = sync::TaskGroupBodyResult<B>;
        const Entered entered(*group.state_);
        std::exception_ptr failure;
        std::optional<sync::NonVoid<T>> value;
        try {
            if constexpr (std::is_void_v<T>) {
                co_await std::invoke(body, group);
            } else {
                value.emplace(co_await std::invoke(body, group));
            }
        } catch (...) {
            failure = std::current_exception();
        }
        co_await group.state_->leave(std::move(failure));
        if constexpr (!std::is_void_v<T>) co_return std::move(*value);
    }

    std::shared_ptr<sync::TaskGroupState> state_;
};

namespace sync {

template <class B>
Coro<TaskGroupBodyResult<B>> run_in_task_group(B body) {
    TaskGroup group;
    if constexpr (std::is_void_v<TaskGroupBodyResult<B>>) {
        co_await group.run(std::move(body));
    } else {
        co_return co_await group.run(std::move(body));
    }
}

}  // namespace sync

// TaskGroup, used in place.
template <class B>
    requires sync::TaskGroupBody<std::remove_cvref_t<B>>
[[nodiscard]] auto task_group(B&& body) {
    return sync::run_in_task_group<std::remove_cvref_t<B>>(std::forward<B>(body));
}

}  // namespace weft
