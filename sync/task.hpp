// Task<T>: a Coro driven by futures, itself a Future. A copyable handle; dropping it cancels nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sync/awaitable.hpp"
#include "sync/context_var.hpp"
#include "sync/coro.hpp"
#include "sync/future.hpp"
#include "sync/interruption.hpp"
#include "sync/stack_frame.hpp"
#include "sync/task_state.hpp"

namespace weft {

class Loop;

namespace sync {

template <class T>
class CoroTaskState final : public TaskState {
public:
    // Takes over the coroutine's frame. One reference: the handle's; start() adds the runtime's.
    CoroTaskState(typename Coro<T>::promise_type& body, scheduler::Loop& home, scheduler::Affinity affinity)
        : TaskState(body, home, affinity, 1) {
        body.return_to(static_cast<TaskState&>(*this));
    }
    ~CoroTaskState() override {
        if (holds_value_) value_.destroy();
        if (has_body()) [[unlikely]]  // never started
            innermost().handle().destroy();
    }

    [[nodiscard]] void* value() noexcept override { return value_.address(); }

private:
    Outcome take_outcome() noexcept override {
        auto& body = static_cast<typename Coro<T>::promise_type&>(take_body());
        Outcome outcome = Outcome::value;
        if (body.failure_ == nullptr) [[likely]] {
            try {
                body.move_value_to(value_.address());
                holds_value_ = true;
            } catch (...) {
                body.failure_ = std::current_exception();
            }
        }
        if (body.failure_ != nullptr) [[unlikely]] {
            failure_ = std::move(body.failure_);
            outcome = is_cancellation(failure_) ? Outcome::cancelled : Outcome::exception;
            (void)interrupt_run(failure_);  // rule 57
        }
        body.handle().destroy();
        return outcome;
    }

    void destroy_body() noexcept override {
        if (has_body()) destroy_chain(take_body());
    }

    [[no_unique_address]] Room<T> value_;
};

}  // namespace sync

// Create a task that may run on any loop of the group, even if its creator is pinned.
struct AnyLoop {};
inline constexpr AnyLoop any_loop{};

// Where a task is to run: nowhere named (as its creator: children of a pinned task are pinned to its loop), on one
// loop, or on any.
class LoopChoice {
public:
    constexpr LoopChoice() = default;
    constexpr LoopChoice(scheduler::Loop* loop) : loop_(loop) {}  // NOLINT(google-explicit-constructor)
    template <std::same_as<Loop> L>
    constexpr LoopChoice(L* loop) : loop_(loop) {}  // NOLINT(google-explicit-constructor)
    constexpr LoopChoice(AnyLoop) : any_(true) {}   // NOLINT(google-explicit-constructor)

    [[nodiscard]] constexpr scheduler::Loop* loop() const { return loop_; }
    [[nodiscard]] constexpr bool any() const { return any_; }

private:
    scheduler::Loop* loop_ = nullptr;
    bool any_ = false;
};

struct TaskOptions {
    std::string_view name{};
    LoopChoice loop{};
    const Context* context = nullptr;  // that very one; null: a copy of the creator's
    bool eager_start = false;  // the first step runs inside create_task
    // Where the task is created, for reports: the place of the options, or of the call without.
    std::source_location where = std::source_location::current();
};

inline constexpr std::size_t kWholeStack = std::numeric_limits<std::size_t>::max();

namespace sync {

[[nodiscard]] std::vector<StackFrame> stack_of(TaskState& task, std::size_t limit, const std::source_location& here);
void print_stack_of(TaskState& task, std::size_t limit, std::FILE* file, const std::source_location& here);

}  // namespace sync

template <class T = void>
class Task : public sync::AnyHandle {
public:
    using value_type = T;

    Task() = default;
    explicit Task(sync::FutureRef ref) noexcept : AnyHandle(std::move(ref)) {}

    operator Future<T>() const { return Future<T>(this->ref()); }  // NOLINT(google-explicit-constructor)
    operator AnyFuture() const { return AnyFuture(this->ref()); }  // NOLINT(google-explicit-constructor)

    // As Future's.
    [[nodiscard]] std::add_lvalue_reference_t<const T> result() const { return Future<T>(this->ref()).result(); }

    template <std::invocable<Task<T>> F>
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    CallbackId add_done_callback(F fn, CallbackOptions options = {}) const {
        return sync::add_done_callback<Task<T>>(this->state(), std::move(fn), sync::callback_loop(this->state()),
                                                options);
    }

    [[nodiscard]] std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }
    // Returns the very context that the task runs in. Thread: any.
    [[nodiscard]] Context get_context() const { return sync::context_in(task().context()); }
    // Requests to cancel, minus uncancel().
    [[nodiscard]] std::ptrdiff_t cancelling() const { return static_cast<std::ptrdiff_t>(task().cancelling()); }
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    std::ptrdiff_t uncancel() const { return static_cast<std::ptrdiff_t>(task().uncancel()); }

    // Returns the awaits of the task's coroutines, outermost first: where it is suspended; of a failed task where its
    // exception came through (the innermost 100); of the running task this very call. At most the `limit` innermost.
    // Thread: any for a task that waits or is done. What is queued has a stack on its own loop only (on the one loop, if
    // there is but one); what runs elsewhere or has not begun has none: then it is empty.
    [[nodiscard]] std::vector<StackFrame> get_stack(
        std::size_t limit = kWholeStack, const std::source_location& here = std::source_location::current()) const {
        return sync::stack_of(task(), limit, here);
    }
    // Prints them; to stderr if `file` is null.
    void print_stack(std::size_t limit = kWholeStack, std::FILE* file = nullptr,
                     const std::source_location& here = std::source_location::current()) const {
        sync::print_stack_of(task(), limit, file, here);
    }

    // Throws std::runtime_error if a task awaits itself.
    sync::FutureAwaiter<T> operator co_await() const& { return sync::FutureAwaiter<T>(this->state()); }
    sync::FutureAwaiter<T> operator co_await() && { return sync::FutureAwaiter<T>(this->take_ref()); }

private:
    [[nodiscard]] sync::TaskState& task() const { return static_cast<sync::TaskState&>(this->state()); }
};

// A handle to a task of any type; empty outside tasks.
class AnyTask : public sync::AnyHandle {
public:
    AnyTask() = default;
    template <class T>
    AnyTask(const Task<T>& task) : AnyHandle(task.ref()) {}  // NOLINT(google-explicit-constructor)
    explicit AnyTask(sync::FutureRef ref) noexcept : AnyHandle(std::move(ref)) {}

    operator AnyFuture() const { return AnyFuture(this->ref()); }  // NOLINT(google-explicit-constructor)

    template <std::invocable<AnyTask> F>
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    CallbackId add_done_callback(F fn, CallbackOptions options = {}) const {
        return sync::add_done_callback<AnyTask>(this->state(), std::move(fn), sync::callback_loop(this->state()),
                                                options);
    }

    [[nodiscard]] std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }
    // Returns the very context that the task runs in. Thread: any.
    [[nodiscard]] Context get_context() const { return sync::context_in(task().context()); }
    [[nodiscard]] std::ptrdiff_t cancelling() const { return static_cast<std::ptrdiff_t>(task().cancelling()); }
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    std::ptrdiff_t uncancel() const { return static_cast<std::ptrdiff_t>(task().uncancel()); }

    // Returns the awaits of the task's coroutines, outermost first: where it is suspended; of a failed task where its
    // exception came through (the innermost 100); of the running task this very call. At most the `limit` innermost.
    // Thread: any for a task that waits or is done. What is queued has a stack on its own loop only (on the one loop, if
    // there is but one); what runs elsewhere or has not begun has none: then it is empty.
    [[nodiscard]] std::vector<StackFrame> get_stack(
        std::size_t limit = kWholeStack, const std::source_location& here = std::source_location::current()) const {
        return sync::stack_of(task(), limit, here);
    }
    // Prints them; to stderr if `file` is null.
    void print_stack(std::size_t limit = kWholeStack, std::FILE* file = nullptr,
                     const std::source_location& here = std::source_location::current()) const {
        sync::print_stack_of(task(), limit, file, here);
    }

    sync::FutureAwaiter<void> operator co_await() const& { return sync::FutureAwaiter<void>(this->state()); }
    sync::FutureAwaiter<void> operator co_await() && { return sync::FutureAwaiter<void>(this->take_ref()); }

private:
    [[nodiscard]] sync::TaskState& task() const { return static_cast<sync::TaskState&>(this->state()); }
};

// Queues the first step of `awaitable` as a task; its body never starts inside the call.
// Throws std::runtime_error "no running event loop" outside a loop, unless options name one.
// Cost: one allocation besides the coroutine's frame.
template <class A>
    requires Awaitable<A>
[[nodiscard]] auto create_task(A&& awaitable, const TaskOptions& options = {}) -> Task<AwaitResult<A>> {
    using T = AwaitResult<A>;
    Coro<T> body = sync::to_coro(std::forward<A>(awaitable));
    const sync::Placement placement = sync::place(options.loop.loop(), options.loop.any());
    auto* state = new sync::CoroTaskState<T>(*body.give_away(), *placement.home, placement.affinity);
    Task<T> task{sync::FutureRef(state)};
    if (options.context != nullptr) [[unlikely]] {
        const bool enters_now = options.eager_start && placement.home == scheduler::current_loop();
        if (enters_now) options.context->check_enterable();
        state->context() = options.context->slot();
    }
    state->set_created_at(options.where);
    if (!options.name.empty()) task.set_name(options.name);
    if (options.eager_start) {
        state->start_eagerly();
    } else {
        state->start();
    }
    return task;
}

// Returns handles as they are, and a task made of anything else.
template <class A>
    requires Awaitable<A>
[[nodiscard]] auto ensure_future(A&& awaitable, const std::source_location& where = std::source_location::current()) {
    if constexpr (sync::kIsHandle<std::remove_cvref_t<A>>) {
        (void)awaitable.state();  // throws if empty
        return std::remove_cvref_t<A>(std::forward<A>(awaitable));
    } else {
        return create_task(std::forward<A>(awaitable), {.where = where});
    }
}

namespace sync {

template <class F, class... Args>
using SpawnResult = AwaitResult<std::invoke_result_t<F, Args...>>;

// Owns the callable and its arguments for as long as the coroutine that they make runs.
template <class F, class... Args>
Coro<SpawnResult<F, Args...>> call_in_coro(F fn, Args... args) {
    co_return co_await std::invoke(std::move(fn), std::move(args)...);
}

}  // namespace sync

// Moves fn and args into a task that calls fn(args...): safe for lambdas with captures.
template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
[[nodiscard]] auto spawn(F&& fn, Args&&... args) -> Task<sync::SpawnResult<std::decay_t<F>, std::decay_t<Args>...>> {
    return create_task(
        sync::call_in_coro<std::decay_t<F>, std::decay_t<Args>...>(std::forward<F>(fn), std::forward<Args>(args)...),
        {.where = {}});  // after a pack there is no room for it
}
template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
[[nodiscard]] auto spawn(const TaskOptions& options, F&& fn, Args&&... args)
    -> Task<sync::SpawnResult<std::decay_t<F>, std::decay_t<Args>...>> {
    return create_task(
        sync::call_in_coro<std::decay_t<F>, std::decay_t<Args>...>(std::forward<F>(fn), std::forward<Args>(args)...),
        options);
}

// Returns the task whose step runs; empty in plain callbacks and outside loops. Makes a task of a branch.
[[nodiscard]] inline AnyTask current_task() {
    sync::TaskState* state = sync::running_task();
    if (state == nullptr) return {};
    state->retain();
    return AnyTask(sync::FutureRef(state));
}

// Returns every task of the running loop's group that is not done. Throws std::runtime_error outside a loop.
[[nodiscard]] std::vector<AnyTask> all_tasks();

}  // namespace weft

template <class T>
struct std::hash<weft::Task<T>> {
    std::size_t operator()(const weft::Task<T>& task) const noexcept { return task.hash(); }
};
template <>
struct std::hash<weft::AnyTask> {
    std::size_t operator()(const weft::AnyTask& task) const noexcept { return task.hash(); }
};
