#include "sync/timeout.hpp"

#include <stdexcept>
#include <thread>

namespace weft::sync {

void TimeoutState::enter() {
    if (phase_.load(std::memory_order_relaxed) != Phase::created) {
        throw std::runtime_error("Timeout has already been entered");
    }
    TaskState* task = running_task();
    if (task == nullptr) throw std::runtime_error("Timeout should be used inside a task");
    task_ = task;
    count_at_entry_ = task->cancelling();
    cancel_pending_at_entry_ = task->cancel_pending();
    phase_.store(Phase::entered, std::memory_order_relaxed);  // the timer that reads it is armed later
    reschedule(deadline_.resolve());
}

void TimeoutState::reschedule(std::optional<TimePoint> when) {
    switch (phase_.load(std::memory_order_relaxed)) {
        case Phase::entered: break;
        case Phase::created: throw std::runtime_error("Timeout has not been entered");
        case Phase::expiring:
        case Phase::expired: throw std::runtime_error("Cannot change state of expiring Timeout");
        case Phase::left_expired: throw std::runtime_error("Cannot change state of expired Timeout");
        case Phase::finished: throw std::runtime_error("Cannot change state of finished Timeout");
    }
    deadline_ = Deadline::at(when);
    if (timer_) std::exchange(timer_, Handle()).cancel();
    if (!when) return;
    struct Reference {
        explicit Reference(TimeoutState& of) : state(&of) { of.retain(); }
        Reference(Reference&& other) noexcept : state(std::exchange(other.state, nullptr)) {}
        ~Reference() {
            if (state != nullptr) state->release();
        }
        TimeoutState* state;
    };
    auto fire = [self = Reference(*this)] { self.state->expire(); };
    scheduler::Loop& loop = require_loop();
    if (*when <= loop.now()) {
        timer_ = scheduler::queue_callback(loop, std::move(fire));
    } else {
        timer_ = scheduler::arm_callback(loop, *when, std::move(fire));
    }
}

void TimeoutState::expire() noexcept {
    Phase entered = Phase::entered;
    if (!phase_.compare_exchange_strong(entered, Phase::expiring, std::memory_order_relaxed,  // O1
                                        std::memory_order_relaxed)) {
        return;
    }
    task_->cancel({});  // alive: its block cannot be left before the next line
    phase_.store(Phase::expired, std::memory_order_release);  // O2
}

// Returns true if the scope has not expired, and never will.
bool TimeoutState::claim_end() noexcept {
    if (timer_) std::exchange(timer_, Handle()).cancel();
    Phase phase = Phase::entered;
    if (phase_.compare_exchange_strong(phase, Phase::finished, std::memory_order_relaxed,  // O1
                                       std::memory_order_relaxed)) {
        return true;
    }
    while (phase_.load(std::memory_order_acquire) == Phase::expiring) std::this_thread::yield();  // O2
    phase_.store(Phase::left_expired, std::memory_order_relaxed);
    return false;
}

std::exception_ptr TimeoutState::leave(std::exception_ptr failure) {
    if (claim_end()) return failure;
    // Among many loops our request may not have been delivered: another loop made it while the body ran. Nothing of it
    // may hit the code behind the block, not even if older requests are counted. A loop by itself delivers it first, so
    // what is undelivered there is not ours, as a group's that was made again (rule 191).
    const bool may_be_ours = !cancel_pending_at_entry_ && !scheduler::current_loop()->alone();
    const bool only_ours = task_->uncancel(may_be_ours ? count_at_entry_ : 0) <= count_at_entry_;
    if (only_ours && failure != nullptr && is_cancellation(failure)) return std::make_exception_ptr(TimeoutError());
    return failure;
}

void TimeoutState::abandon() noexcept { (void)claim_end(); }

}  // namespace weft::sync
