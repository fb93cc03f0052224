#include "sync/sleep.hpp"

#include "scheduler/schedule.hpp"

namespace weft::sync {

SleepState::SleepState(Duration duration)
    : ValueFutureState<void>(2), loop_(require_loop()), shell_(loop_.shell()), generation_(shell_.generation()) {
    // A duration beyond the clock's range would wrap to the past.
    const TimePoint now = loop_.now();
    const TimePoint deadline = duration > TimePoint::max() - now ? TimePoint::max() : now + duration;
    loop_.arm(*this, deadline);
}

bool SleepAwaiter::suspend_for_duration(PromiseBase& innermost) {
    auto* state = new SleepState(duration_);
    state_ = FutureRef(state);
    return suspend_on(innermost, *state, suspended_);
}

void SleepState::fire() noexcept {
    if (queued_.exchange(true, std::memory_order_relaxed)) return release();  // S1: a canceller has sent it
    loop_.push_pinned(*this);
}

void SleepState::discard() noexcept {
    (void)ValueFutureState<void>::cancel({});
    release();
}

bool SleepState::cancel(std::string_view message) noexcept {
    retain();  // the waiter may be resumed and drop its reference meanwhile
    const bool cancelled = ValueFutureState<void>::cancel(message);
    if (cancelled) {
        if (scheduler::current_loop() == &loop_) {
            if (loop_.disarm(*this)) release();
        } else if (!queued_.exchange(true, std::memory_order_relaxed)) {  // S1
            retain();
            if (scheduler::schedule_on(*this, shell_, generation_) == scheduler::Sent::closed) release();
        }
    }
    release();
    return cancelled;
}

void SleepState::run() noexcept {
    if (loop_.disarm(*this)) release();  // sent by a canceller
    (void)try_set_value();
    release();
}

void SleepState::drop() noexcept {
    (void)ValueFutureState<void>::cancel({});
    release();
}

}  // namespace weft::sync
