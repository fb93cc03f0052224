// timeout: a time limit for a block of code: when it has passed, the task is cancelled, and the block turns its own
// cancellation into TimeoutError. Rules 157 to 174.
//
// Invariant: the task is cancelled at most once by a scope, and uncancelled once by it, after that. A CancelledError
// becomes TimeoutError only if nobody else has cancelled since the block was entered: the task's count says so.
//
//     created --run--> entered --leave--> finished
//                         '--deadline--> expiring (the timer's loop cancels the task) --> expired --leave--> expired
//
// The task may run on another loop than its timer: leaving waits for a cancel that has begun there, since undoing it
// before it is done would hit the code behind the block.
//
// Orderings
//   O1 phase: relaxed CAS out of entered, by the timer or by leave    one winner; the timer reads what enter wrote, and was
//                                                                     armed after that
//   O2 phase: release store after the cancel, acquire load in leave   uncancel comes after the cancel
//   O3 references: relaxed in retain, acq_rel in release              the last owner sees everything before it destroys
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "scheduler/handle.hpp"
#include "sync/awaitable.hpp"
#include "sync/coro.hpp"
#include "sync/deadline.hpp"
#include "sync/fork_join.hpp"
#include "sync/task_state.hpp"

namespace weft {

class Timeout;

namespace sync {

// Shared by the scope and its timer. Counted.
class TimeoutState final : public scheduler::PooledFrame {
public:
    explicit TimeoutState(Deadline deadline) : deadline_(deadline) {}
    TimeoutState(const TimeoutState&) = delete;
    TimeoutState& operator=(const TimeoutState&) = delete;

    // Throws std::runtime_error if entered before, or outside of tasks.
    void enter();
    // The block has ended, with `failure` or normally (null). Returns what the scope ends with.
    [[nodiscard]] std::exception_ptr leave(std::exception_ptr failure);
    // The block was destroyed.
    void abandon() noexcept;

    void reschedule(std::optional<TimePoint> when);
    [[nodiscard]] std::optional<TimePoint> when() const { return deadline_.when(); }
    [[nodiscard]] bool expired() const {
        const Phase phase = phase_.load(std::memory_order_relaxed);
        return phase == Phase::expiring || phase == Phase::expired || phase == Phase::left_expired;
    }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // O3
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // O3
    }

private:
    // `expiring`: the cancel is under way.
    enum class Phase : std::uint8_t { created, entered, expiring, expired, left_expired, finished };

    ~TimeoutState() = default;
    void expire() noexcept;
    [[nodiscard]] bool claim_end() noexcept;

    Deadline deadline_;
    TaskState* task_ = nullptr;
    std::size_t count_at_entry_ = 0;
    bool cancel_pending_at_entry_ = false;
    Handle timer_;
    scheduler::LoneAtomic<Phase> phase_{Phase::created};
    scheduler::LoneAtomic<std::uint32_t> references_{1};
};

template <class B>
concept TimeoutBody = Awaitable<B> || std::invocable<B&> || std::invocable<B&, Timeout&>;

template <class B>
decltype(auto) begin_timeout_body(B& body, Timeout& scope) {
    if constexpr (Awaitable<B>) {
        return std::move(body);
    } else if constexpr (std::invocable<B&, Timeout&>) {
        return std::invoke(body, scope);
    } else {
        return std::invoke(body);
    }
}

template <class B>
using TimeoutBodyResult = AwaitResult<decltype(begin_timeout_body(std::declval<B&>(), std::declval<Timeout&>()))>;

}  // namespace sync

class Timeout {
public:
    // The deadline counts from here; none: never.
    explicit Timeout(std::optional<Duration> delay) : Timeout(sync::Deadline::after(delay)) {}
    [[nodiscard]] static Timeout at(std::optional<TimePoint> when) { return Timeout(sync::Deadline::at(when)); }
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;
    ~Timeout() { state_->release(); }

    // Runs `body`, an awaitable or a callable Coro<T>() or Coro<T>(Timeout&), inside the awaiting task. Returns what it
    // returns. Throws TimeoutError if the deadline ended it; std::runtime_error if the scope was used before.
    // Cancel: goes to the body.
    template <class B>
        requires sync::TimeoutBody<std::remove_cvref_t<B>>
    [[nodiscard]] Coro<sync::TimeoutBodyResult<std::remove_cvref_t<B>>> run(B&& body) {
        static_assert(!sync::kIsCoro<std::remove_cvref_t<B>> || std::is_rvalue_reference_v<B&&>,
                      "a named Coro must be given away: write std::move(coro)");
        return run_in_coro<std::remove_cvref_t<B>>(*this, std::forward<B>(body));
    }

    // True from the moment of expiry, for ever.
    [[nodiscard]] bool expired() const { return state_->expired(); }
    [[nodiscard]] std::optional<TimePoint> when() const { return state_->when(); }

    // None disarms; a time that has passed expires in the next turn.
    // Throws std::runtime_error unless the block is running and has not expired. On the block's own task.
    void reschedule(std::optional<TimePoint> when) { state_->reschedule(when); }

private:
    explicit Timeout(sync::Deadline deadline) : state_(new sync::TimeoutState(deadline)) {}

    // Ends the scope if the block's frame is destroyed.
    class Entered {
    public:
        explicit Entered(sync::TimeoutState& state) : state_(&state) { state.enter(); }
        Entered(const Entered&) = delete;
        Entered& operator=(const Entered&) = delete;
        ~Entered() {
            if (state_ != nullptr) state_->abandon();
        }
        // Throws what the scope ends with.
        void leave(std::exception_ptr failure) {
            const std::exception_ptr left = std::exchange(state_, nullptr)->leave(std::move(failure));
            if (left != nullptr) std::rethrow_exception(left);
        }

    private:
        sync::TimeoutState* state_;
    };

    template <class B>
    static Coro<sync::TimeoutBodyResult<B>> run_in_coro(Timeout& scope, B body) {
        using T = sync::TimeoutBodyResult<B>;
        Entered entered(*scope.state_);
        std::exception_ptr failure;
        std::optional<sync::NonVoid<T>> value;
        try {
            if constexpr (std::is_void_v<T>) {
                co_await sync::begin_timeout_body(body, scope);
            } else {
                value.emplace(co_await sync::begin_timeout_body(body, scope));
            }
        } catch (...) {
            failure = std::current_exception();
        }
        entered.leave(std::move(failure));
        if constexpr (!std::is_void_v<T>) co_return std::move(*value);
    }

    template <class B>
    friend Coro<sync::TimeoutBodyResult<B>> run_with_timeout(sync::Deadline deadline, B body);

    sync::TimeoutState* state_;
};

template <class B>
Coro<sync::TimeoutBodyResult<B>> run_with_timeout(sync::Deadline deadline, B body) {
    Timeout scope(deadline);
    if constexpr (std::is_void_v<sync::TimeoutBodyResult<B>>) {
        co_await scope.run(std::move(body));
    } else {
        co_return co_await scope.run(std::move(body));
    }
}

// Timeout, used in place; the delay counts from the call.
template <class B>
    requires sync::TimeoutBody<std::remove_cvref_t<B>>
[[nodiscard]] auto timeout(std::optional<Duration> delay, B&& body) {
    static_assert(!sync::kIsCoro<std::remove_cvref_t<B>> || std::is_rvalue_reference_v<B&&>,
                  "a named Coro must be given away: write std::move(coro)");
    return run_with_timeout<std::remove_cvref_t<B>>(sync::Deadline::after(delay), std::forward<B>(body));
}
template <class B>
    requires sync::TimeoutBody<std::remove_cvref_t<B>>
[[nodiscard]] auto timeout_at(std::optional<TimePoint> when, B&& body) {
    static_assert(!sync::kIsCoro<std::remove_cvref_t<B>> || std::is_rvalue_reference_v<B&&>,
                  "a named Coro must be given away: write std::move(coro)");
    return run_with_timeout<std::remove_cvref_t<B>>(sync::Deadline::at(when), std::forward<B>(body));
}

}  // namespace weft
