// Handle: a callback that was handed to a loop and that one can cancel. TimerHandle: one with a deadline.
//
// Invariant: the callable is destroyed exactly once, by whoever moves the state out of `armed` or `queued`: the loop
// that runs it, or the canceller, at once (rule 9), even while the entry still lies in a queue or the heap. A timer
// that is cancelled from another loop is sent to its own, which takes it out of the heap (rule 12).
//
//     armed --due--> queued --run--> spent      armed, queued --cancel--> cancelled
//                                               armed, queued --loop closes--> spent
//
// Orderings
//   The state is relaxed: a CAS takes it out of armed or queued, by one winner, to whom the callable belongs. The winner
//   has it from whoever made it by way of a queue or of a Handle; nobody else touches it, before or after.
//   H1 references: release and acquire sub in release        all that was done to the state is over when it is deleted
//
// Thread: cancel from any thread. Handles are counted references and may outlive the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "scheduler/atomic.hpp"
#include "scheduler/frame_memory.hpp"
#include "scheduler/invalid_state.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"
#include "scheduler/timer.hpp"

namespace weft {

namespace scheduler {

// The shared part of a Handle.
class Callback : public Runnable, public Timer {
public:
    // Runs the callable unless it was cancelled. An exception goes to `report_callback_exception`.
    void run() noexcept final;
    void drop() noexcept final;
    [[nodiscard]] std::string describe() const final { return when_ ? "<TimerHandle>" : "<Handle>"; }
    // A due timer is queued like anything else: it runs in the turn that finds it due.
    void fire() noexcept final;
    void discard() noexcept final { drop(); }

    // As a timer of the running loop. Throws std::bad_alloc.
    void arm(Loop& loop, TimePoint when) {
        when_ = when;
        timer_loop_ = &loop;
        timer_generation_ = loop.shell().generation();
        timer_shell_ = &loop.shell();
        loop.arm(*this, when);
        state_.store(State::armed, std::memory_order_relaxed);  // nobody else knows it yet
    }

    // Returns false if it was cancelled, has run, or is running.
    bool cancel() noexcept;
    [[nodiscard]] bool cancelled() const { return state_.load(std::memory_order_relaxed) == State::cancelled; }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // H1 release, acquire
    }

    // Only of what was armed.
    [[nodiscard]] TimePoint when() const { return *when_; }

protected:
    virtual ~Callback() = default;
    virtual void call() = 0;
    virtual void destroy_callable() noexcept = 0;
    // What becomes of an exception that leaves the callable.
    void report(std::exception_ptr exception) noexcept;

private:
    enum class State : std::uint8_t { queued, armed, spent, cancelled };

    [[nodiscard]] bool claim(State from, State to) noexcept {
        return state_.compare_exchange_strong(from, to, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    std::optional<TimePoint> when_;
    Loop* timer_loop_ = nullptr;
    Shell* timer_shell_ = nullptr;
    std::uint32_t timer_generation_ = 0;
    LoneAtomic<State> state_{State::queued};
    LoneAtomic<std::uint32_t> references_{2};  // the queue's and the first Handle's
};

template <class F>
class CallbackOf : public Callback {
public:
    explicit CallbackOf(F callable) : callable_(std::move(callable)) {}

private:
    void call() override { std::invoke(*callable_); }
    void destroy_callable() noexcept override { callable_.reset(); }

    std::optional<F> callable_;
};

// Made by a loop for itself. Others' are malloc's: a loop that only ever frees them would fill the depot.
template <class F>
class PooledCallbackOf final : public CallbackOf<F>, public PooledFrame {
public:
    using CallbackOf<F>::CallbackOf;
};

// What becomes of an exception that leaves a callback: SystemExit and KeyboardInterrupt leave the loop, all others go
// to its exception handler as "Exception in callback". Set once by sync/, which knows those types.
// `callback`: the one that a Handle names, or null.
using CallbackExceptionHook = void (*)(std::exception_ptr exception, Callback* callback) noexcept;
extern CallbackExceptionHook callback_exception_hook;
inline void report_callback_exception(std::exception_ptr exception, Callback* callback = nullptr) noexcept {
    callback_exception_hook(std::move(exception), callback);
}

}  // namespace scheduler

class Handle {
public:
    Handle() = default;
    explicit Handle(scheduler::Callback& callback) : callback_(&callback) {}
    Handle(const Handle& other) : callback_(other.callback_) {
        if (callback_ != nullptr) callback_->retain();
    }
    Handle(Handle&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
    Handle& operator=(Handle other) noexcept {
        std::swap(callback_, other.callback_);
        return *this;
    }
    ~Handle() {
        if (callback_ != nullptr) callback_->release();
    }

    explicit operator bool() const { return callback_ != nullptr; }
    friend bool operator==(const Handle& a, const Handle& b) { return a.callback_ == b.callback_; }

    // Drops the callable at once; it will not run. Idempotent. Thread: any.
    void cancel() const { (void)get().cancel(); }
    [[nodiscard]] bool cancelled() const { return get().cancelled(); }

protected:
    [[nodiscard]] scheduler::Callback& get() const {
        if (callback_ == nullptr)
            throw InvalidStateError("Handle is empty: expected one that call_soon or call_later gave");
        return *callback_;
    }

private:
    scheduler::Callback* callback_ = nullptr;
};

class TimerHandle : public Handle {
public:
    using Handle::Handle;

    // Returns the absolute loop time, also after it fired or was cancelled.
    [[nodiscard]] TimePoint when() const { return get().when(); }
};

namespace scheduler {

// fn as an entry of `loop`, the running one: behind what is ready, or when `deadline` has come.
template <class F>
Handle queue_callback(Loop& loop, F fn) {
    auto* callback = new PooledCallbackOf<F>(std::move(fn));
    Handle handle(*callback);
    loop.push_pinned(*callback);
    return handle;
}
template <class F>
TimerHandle arm_callback(Loop& loop, TimePoint deadline, F fn) {
    auto callback = std::make_unique<PooledCallbackOf<F>>(std::move(fn));
    callback->arm(loop, deadline);
    return TimerHandle(*callback.release());
}

}  // namespace scheduler

}  // namespace weft
