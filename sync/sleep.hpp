// sleep: resumes after a duration. sleep(0s) gives up exactly one turn and makes neither a timer nor a future.
//
// Thread: the timer stays on the loop where the sleep began; the sleeper resumes there unless it was cancelled from
// another loop. Cancel: the timer is disarmed, at once on its own loop, else by a message to it.
#pragma once

#include <chrono>
#include <coroutine>
#include <utility>

#include "scheduler/clock.hpp"
#include "scheduler/timer.hpp"
#include "sync/branch.hpp"
#include "sync/future.hpp"

namespace weft {

namespace sync {

// A future that a timer completes, as an entry of the batch that finds it due. The armed timer owns a reference.
//
// Orderings
//   S1 queued: relaxed exchange    one of the timer and a canceller on another loop queues the state; nothing is handed over
class SleepState final : public ValueFutureState<void>, public scheduler::Timer, private scheduler::Runnable {
public:
    // Armed on the running loop.
    explicit SleepState(Duration duration);

    void fire() noexcept override;
    void discard() noexcept override;
    bool cancel(std::string_view message) noexcept override;
    [[nodiscard]] std::string in_words() const override { return "sleep"; }

private:
    void run() noexcept override;  // on the timer's loop: it is due, or was cancelled from another one
    void drop() noexcept override;

    scheduler::Loop& loop_;
    scheduler::Shell& shell_;
    const std::uint32_t generation_;
    scheduler::LoneAtomic<bool> queued_{false};
};

class SleepAwaiter {
public:
    explicit SleepAwaiter(Duration duration) : duration_(duration) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        if (duration_ > Duration::zero()) return suspend_for_duration(self.promise());
        TaskState& task = suspending_task();
        suspended_ = &task;
        task.yield(self.promise());
        return true;
    }

    void await_resume() {
        FutureState* state = state_.pointer();
        if (state == nullptr) return suspended_->deliver_cancel();
        if (suspended_ != nullptr) suspended_->deliver_cancel(*state);
        state->check();
    }

private:
    bool suspend_for_duration(PromiseBase& innermost);

    Duration duration_;
    FutureRef state_;
    TaskState* suspended_ = nullptr;
};

template <class T>
class SleepValueAwaiter : public SleepAwaiter {
public:
    SleepValueAwaiter(Duration duration, T value) : SleepAwaiter(duration), value_(std::move(value)) {}

    T await_resume() {
        SleepAwaiter::await_resume();
        return std::move(value_);
    }

private:
    T value_;
};

}  // namespace sync

// Returns, when awaited, nothing or `value`, not before `duration` has passed since the await.
[[nodiscard]] inline auto sleep(Duration duration) { return sync::SleepAwaiter(duration); }
template <class T>
[[nodiscard]] auto sleep(Duration duration, T value) {
    return sync::SleepValueAwaiter<T>(duration, std::move(value));
}

}  // namespace weft
