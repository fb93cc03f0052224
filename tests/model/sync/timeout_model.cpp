// Timeout: the deadline, on the timer's loop, against the end of the block, on another one, and a cancellation from
// outside: the scope takes back its own request and no other.
#include "sync/timeout.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>

#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"
#include "tests/model/puppet.hpp"
#include "tests/model/sync/frames.hpp"

using weft::CancelledError;
using weft::TimePoint;
using weft::model::came_back;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::Puppet;
using weft::model::require;
using weft::model::together;
using weft::sync::Deadline;
using weft::sync::TimeoutState;

namespace {

// A task that entered the block on the first loop, and goes on on the second.
class Scope {
public:
    explicit Scope(TimePoint deadline) {
        const OnLoop here(loops_[0]);
        state_ = new TimeoutState(Deadline::at(deadline));
        task_.play();
        state_->enter();
        weft::sync::current() = {};
    }

    void turn() { loops_[0].step(); }
    void cancel() { (void)task_.cancel({}); }
    // The block ends: by the request to cancel, if there is one already.
    void leave() {
        const OnLoop here(loops_[1]);
        task_.play();
        std::exception_ptr failure;
        try {
            task_.deliver_cancel();
        } catch (const CancelledError&) {
            failure = std::current_exception();
        }
        left_ = state_->leave(failure);
        expired_ = state_->expired();
        interrupted_ = failure != nullptr;
        state_->release();
    }
    // The block has another deadline, then ends.
    void reschedule_and_leave(TimePoint when) {
        {
            const OnLoop here(loops_[1]);
            task_.play();
            try {
                state_->reschedule(when);
                require(state_->when() == when, "the new one");
            } catch (const std::runtime_error&) {
                require(state_->expired(), "it was too late");
            }
        }
        leave();
    }

    void check(std::size_t cancelled_from_outside) {
        loops_.close();
        require(came_back(loops_, 2, state_, sizeof(TimeoutState)), "nobody has it any more");
        require(task_.cancelling() == cancelled_from_outside, "its own request is taken back");
        if (cancelled_from_outside == 0) {
            require(!task_.cancel_pending(), "nothing hits the code behind the block");
            if (interrupted_) require(!weft::sync::is_cancellation(left_), "a TimeoutError");
            if (interrupted_) require(expired_, "by the deadline");
        } else {
            require(task_.cancel_pending() || (interrupted_ && weft::sync::is_cancellation(left_)),
                    "the request of another is delivered, or will be");
        }
    }

private:
    const Loops loops_{2};
    Puppet task_{loops_[1]};
    TimeoutState* state_;
    std::exception_ptr left_;
    bool expired_ = false;
    bool interrupted_ = false;
};

void a_block_ends_when_it_is_time() {
    Scope scope(TimePoint{});
    together({[&] { scope.turn(); }, [&] { scope.leave(); }});
    scope.check(0);
}

void a_block_ends_before_it_is_time() {
    Scope scope(TimePoint{} + std::chrono::seconds(1));
    together({[&] { scope.turn(); }, [&] { scope.leave(); }});
    scope.check(0);
}

void a_block_has_another_deadline() {
    Scope scope(TimePoint{});
    together({[&] { scope.turn(); }, [&] { scope.reschedule_and_leave(TimePoint{} + std::chrono::seconds(1)); }});
    scope.check(0);
}

void a_block_ends_and_is_cancelled() {
    Scope scope(TimePoint{});
    together({[&] { scope.turn(); }, [&] { scope.leave(); }, [&] { scope.cancel(); }});
    scope.check(1);
}

}  // namespace

WEFT_MODEL("timeout: its time has come, leave", a_block_ends_when_it_is_time,
           {.type = "Timeout", .threads = {"expire", "leave"}});

WEFT_MODEL("timeout: its time comes, or not, leave", a_block_ends_before_it_is_time,
           {.type = "Timeout", .threads = {"expire", "leave"}});

WEFT_MODEL("timeout: its time has come, reschedule, leave", a_block_has_another_deadline,
           {.type = "Timeout", .threads = {"expire", "reschedule, leave"}});

WEFT_MODEL("timeout: its time has come, leave, cancel", a_block_ends_and_is_cancelled,
           {.type = "Timeout", .threads = {"expire", "leave", "cancel"}});
