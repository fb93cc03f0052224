// ConcurrentFuture<T>: the bridge between loops and plain threads: a future that a thread can block on.
// run_coroutine_threadsafe: starts a task on a loop from any thread.
//
// Invariant: the concurrent future is completed once: by the task's end, by cancel(), or with an error by a loop that
// closes before the task began. Its callbacks run on the completing thread (rule 216), the one exception to law 3.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "scheduler/atomic.hpp"
#include "scheduler/condition_variable.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/schedule.hpp"
#include "sync/awaitable.hpp"
#include "sync/errors.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"

namespace weft {

namespace sync {

// The blocking part, and the link to the task.
class ConcurrentLink : public Waiter {
public:
    explicit ConcurrentLink(FutureState& self) : self_(self) {}

    // Blocks until the future is done; returns false if `timeout` passed first.
    // Throws std::runtime_error on a loop's thread while it is pending.
    [[nodiscard]] bool wait(std::optional<Duration> timeout);

    // The task began; returns false if the future was cancelled before.
    [[nodiscard]] bool attach(FutureRef task);
    // Asks the task to cancel, now or when it is attached.
    void cancel_task(std::string_view message) noexcept;

    // As a waiter of the future itself.
    void wake() noexcept override;
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

protected:
    ~ConcurrentLink() = default;

private:
    FutureState& self_;
    scheduler::Mutex mutex_;
    scheduler::ConditionVariable ended_;
    FutureRef task_;
    bool watching_ = false;
    bool woken_ = false;
};

template <class T>
class ConcurrentState final : public ConcurrentLink, public ValueFutureState<T> {
public:
    ConcurrentState() : ConcurrentLink(static_cast<FutureState&>(*this)) {}

    using scheduler::PooledFrame::operator new;
    using scheduler::PooledFrame::operator delete;

    // Rule 217: at once, and the task is asked.
    bool cancel(std::string_view message) noexcept override {
        if (!ValueFutureState<T>::cancel(message)) return false;
        this->cancel_task(message);
        return true;
    }
};

// Takes the task's outcome over to the concurrent future. Owns itself and a reference to either.
template <class T>
class OutcomeCarrier final : public Waiter, public scheduler::PooledFrame {
public:
    OutcomeCarrier(FutureRef task, FutureRef to) : task_(std::move(task)), to_(std::move(to)) {}

    void wake() noexcept override {
        FutureState& task = task_.get();
        auto& to = static_cast<ConcurrentState<T>&>(to_.get());
        switch (task.outcome()) {
            case Outcome::value:
                try {
                    if constexpr (std::is_void_v<T>) {
                        (void)to.try_set_value();
                    } else {
                        (void)to.try_set_value(read_value<T>(task, true));
                    }
                } catch (...) {
                    (void)to.try_set_exception(std::current_exception());
                }
                break;
            case Outcome::cancelled: (void)to.cancel({}); break;
            default: (void)to.try_set_exception(task.failure()); break;
        }
        delete this;
    }
    void abandon() noexcept override { delete this; }
    void run() noexcept override {}
    void drop() noexcept override {}

private:
    FutureRef task_;
    FutureRef to_;
};

// Begins the task on its loop.
template <class T>
class ThreadsafeStart final : public scheduler::Runnable, public scheduler::PooledFrame {
public:
    ThreadsafeStart(Coro<T> body, FutureRef to, scheduler::Affinity affinity)
        : body_(std::move(body)), to_(std::move(to)), context_(inherit_context()), affinity_(affinity) {}

    void run() noexcept override {
        auto& to = static_cast<ConcurrentState<T>&>(to_.get());
        try {
            if (!to.done()) {
                scheduler::Loop& here = *scheduler::current_loop();
                auto* task = new CoroTaskState<T>(*body_.give_away(), here, affinity_);
                task->context() = std::move(context_);
                const FutureRef ref(task);
                (void)task->add_waiter(*new OutcomeCarrier<T>(ref, to_));
                if (!to.attach(ref)) task->cancel({});
                task->start();
            }
        } catch (...) {
            (void)to.try_set_exception(std::current_exception());
        }
        delete this;
    }

    // The loop closed before it came to it (rule 219).
    void drop() noexcept override {
        auto& to = static_cast<ConcurrentState<T>&>(to_.get());
        (void)to.try_set_exception(std::make_exception_ptr(std::runtime_error("Event loop is closed")));
        delete this;
    }

private:
    Coro<T> body_;
    FutureRef to_;
    ContextSlot context_;  // the calling thread's
    const scheduler::Affinity affinity_;
};

template <class F>
class ThreadCallback final : public Waiter, public scheduler::PooledFrame {
public:
    explicit ThreadCallback(F fn) : fn_(std::move(fn)) {}
    void wake() noexcept override {
        try {
            std::invoke(fn_);
        } catch (...) {
            scheduler::report_callback_exception(std::current_exception());
        }
        delete this;
    }
    void abandon() noexcept override { delete this; }
    void run() noexcept override {}
    void drop() noexcept override {}

private:
    F fn_;
};

}  // namespace sync

template <class T = void>
class ConcurrentFuture : public sync::AnyHandle {
public:
    using value_type = T;

    ConcurrentFuture() = default;
    explicit ConcurrentFuture(sync::FutureRef ref) noexcept : AnyHandle(std::move(ref)) {}

    // Blocks. Throws TimeoutError after `timeout` (the task runs on), CancelledError, what the task failed with, or
    // std::runtime_error on a loop's thread while pending: there it would stop the loop that it waits for.
    // Returns a reference that lives as long as a handle.
    std::add_lvalue_reference_t<const T> result(std::optional<Duration> timeout = std::nullopt) const {
        wait(timeout);
        sync::FutureState& state = this->done_state();
        state.check();
        if constexpr (!std::is_void_v<T>) return *static_cast<const T*>(state.value());
    }

    // As result(), but returns the failure; null for a value.
    [[nodiscard]] std::exception_ptr exception(std::optional<Duration> timeout = std::nullopt) const {
        wait(timeout);
        return AnyHandle::exception();
    }

    // Calls fn(ConcurrentFuture<T>) on the completing thread; at once if it is done.
    template <std::invocable<ConcurrentFuture<T>> F>
    void add_done_callback(F fn) const {
        auto call = [fn = std::move(fn), self = *this]() mutable { std::invoke(fn, self); };
        auto* callback = new sync::ThreadCallback<decltype(call)>(std::move(call));
        if (this->state().add_waiter(*callback) == sync::FutureState::Add::already_done) callback->wake();
    }

private:
    void wait(std::optional<Duration> timeout) const {
        if (!static_cast<sync::ConcurrentState<T>&>(this->state()).wait(timeout)) throw TimeoutError();
    }
};

namespace sync {

// A task is made on a loop's thread only, so its start is sent there. Throws as run_coroutine_threadsafe.
template <class A>
auto start_threadsafe(A&& awaitable, scheduler::Loop& loop, scheduler::Affinity affinity)
    -> ConcurrentFuture<AwaitResult<A>> {
    using T = AwaitResult<A>;
    ConcurrentFuture<T> future{FutureRef(new ConcurrentState<T>)};
    auto* start = new ThreadsafeStart<T>(to_coro(std::forward<A>(awaitable)), future.ref(), affinity);
    if (scheduler::schedule(*start, loop.shell(), scheduler::Affinity::pinned) == scheduler::Sent::closed) {
        delete start;
        throw std::runtime_error("Event loop is closed");
    }
    return future;
}

}  // namespace sync

// Starts `awaitable` as a task pinned to `loop`. Thread: any.
// Throws std::runtime_error "Event loop is closed"; then nothing was started.
template <class A>
    requires Awaitable<A>
[[nodiscard]] auto run_coroutine_threadsafe(A&& awaitable, scheduler::Loop& loop) -> ConcurrentFuture<AwaitResult<A>> {
    return sync::start_threadsafe(std::forward<A>(awaitable), loop, scheduler::Affinity::pinned);
}

}  // namespace weft
