// run_in_executor, to_thread: plain functions on an Executor's threads, awaited as futures. Rules 216 to 222.
//
// Job: one function and its way there and back. The future is a plain one of the loop that asked: a turn of that loop
// completes it (as asyncio's call_soon_threadsafe does), so its state changes for nobody in the middle of a step.
//
//     queued --executor calls it, future pending--> runs --> ended --loop's queue--> delivered, or dropped with the loop
//        '-----executor calls it, future cancelled------------> ended, callable destroyed unused (rule 220)
//        '-----executor forgets it----------------------------> ended with an error --loop's queue--> delivered
//
// Invariant: references are the executor's (copies of its std::function) and, once ended, the loop queue's. The outcome
// is written before the job goes to the queue and read after. The callable is destroyed on the executor's thread.
// A job runs in a context of its own: to_thread's in a copy of the caller's (rule 221), run_in_executor's in an empty
// one, so that what it sets stays in no thread of the pool (CPython lets it).
//
// Orderings
//   E1 references: relaxed in retain, acq_rel in release   the last owner sees everything before it destroys
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "scheduler/atomic.hpp"
#include "scheduler/frame_memory.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"
#include "sync/awaitable.hpp"
#include "sync/context_state.hpp"
#include "sync/executor.hpp"
#include "sync/future.hpp"

namespace weft {

namespace sync {

class JobCount;

class Job : public scheduler::Runnable, public scheduler::PooledFrame {
public:
    // Calls the function unless the future was cancelled, and sends the outcome home. Thread: the executor's.
    void execute() noexcept;

    // Delivers. Thread: the loop's.
    void run() noexcept final;
    void drop() noexcept final { release(); }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // E1
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) last_released();  // E1
    }

protected:
    Job(FutureRef future, scheduler::Loop& loop, ContextSlot context);
    virtual ~Job();

    virtual void call() = 0;
    virtual void destroy_callable() noexcept = 0;
    virtual void deliver_value(FutureState& to) noexcept = 0;

private:
    friend void submit_job(Job& job, Executor* executor, scheduler::Loop& loop);

    void end() noexcept;
    void last_released() noexcept;

    const FutureRef future_;
    scheduler::Shell& home_;
    const std::uint32_t generation_;
    ContextSlot context_;
    std::shared_ptr<JobCount> count_;  // of the default executor
    std::exception_ptr failure_;
    bool ended_ = false;
    scheduler::Atomic<std::uint32_t> references_{1};
};

// Hands the job, and the reference to it, to `executor`, or to the default one for null.
// Throws what the executor throws; then the job is gone.
void submit_job(Job& job, Executor* executor, scheduler::Loop& loop);

template <class R, class F, class... Args>
class JobOf final : public Job {
public:
    template <class G, class... As>
    JobOf(FutureRef future, scheduler::Loop& loop, ContextSlot context, G&& fn, As&&... args)
        : Job(std::move(future), loop, std::move(context)),
          callable_(std::in_place, std::forward<G>(fn), std::forward<As>(args)...) {}

private:
    void call() override {
        const auto invoke = [](F& fn, Args&... args) -> decltype(auto) {
            return std::invoke(std::move(fn), std::move(args)...);
        };
        if constexpr (std::is_void_v<R>) {
            std::apply(invoke, *callable_);
        } else {
            value_.emplace(std::apply(invoke, *callable_));
        }
    }
    void destroy_callable() noexcept override { callable_.reset(); }
    void deliver_value(FutureState& to) noexcept override {
        auto& future = static_cast<ValueFutureState<R>&>(to);
        if constexpr (std::is_void_v<R>) {
            (void)future.try_set_value();
        } else {
            (void)future.try_set_value(std::move(*static_cast<R*>(value_.address())));
        }
    }

    std::optional<std::tuple<F, Args...>> callable_;
    ValueSlot<R> value_;
};

template <class R>
class JobFutureState final : public ValueFutureState<R> {
public:
    explicit JobFutureState(scheduler::Loop& loop) : home_(loop.shell()) {}

    [[nodiscard]] std::string in_words() const override { return "a function in an executor"; }
    [[nodiscard]] bool ends_from_outside() const noexcept override { return true; }
    [[nodiscard]] scheduler::Shell* home_shell() const noexcept override { return &home_; }

private:
    scheduler::Shell& home_;
};

// What a function gives on another thread: a value, never a reference into that thread.
template <class F, class... Args>
using JobResult = std::remove_cvref_t<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;

template <class F, class... Args>
auto start_job(scheduler::Loop& loop, ContextSlot context, Executor* executor, F&& fn, Args&&... args)
    -> Future<JobResult<F, Args...>> {
    using R = JobResult<F, Args...>;
    static_assert(!kIsCoro<R>, "an executor runs plain functions: a coroutine belongs on a loop, see create_task");
    const Future<R> future{FutureRef(new JobFutureState<R>(loop))};
    using ThisJob = JobOf<R, std::decay_t<F>, std::decay_t<Args>...>;
    submit_job(*new ThisJob(future.ref(), loop, std::move(context), std::forward<F>(fn), std::forward<Args>(args)...),
               executor, loop);
    return future;
}

}  // namespace sync

// Calls fn(args...) on a thread of the running loop's default executor, in a copy of the caller's context; fn and args
// are moved or copied in now.
// Returns a future: its value is fn's, decayed.
// Throws std::runtime_error outside a loop, and after shutdown_default_executor().
// Cancel: a call that has begun runs on and its outcome is dropped; one that has not is never made.
template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
[[nodiscard]] auto to_thread(F&& fn, Args&&... args) -> Future<sync::JobResult<F, Args...>> {
    return sync::start_job(sync::require_loop(), sync::inherit_context(), nullptr, std::forward<F>(fn),
                           std::forward<Args>(args)...);
}

}  // namespace weft
