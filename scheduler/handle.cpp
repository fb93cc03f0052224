#include "scheduler/handle.hpp"

#include <exception>

#include "scheduler/schedule.hpp"

namespace weft::scheduler {

namespace {
[[noreturn]] void terminate_on_exception(std::exception_ptr, Callback*) noexcept { std::terminate(); }
}  // namespace

constinit CallbackExceptionHook callback_exception_hook = &terminate_on_exception;

void Callback::run() noexcept {
    if (claim(State::queued, State::spent)) {
        try {
            call();
        } catch (...) {
            report(std::current_exception());
        }
        destroy_callable();
    } else if (timer_loop_ != nullptr && timer_loop_->disarm(*this)) {
        release();  // sent here by a canceller: the heap's reference
    }
    release();
}

void Callback::report(std::exception_ptr exception) noexcept { report_callback_exception(std::move(exception), this); }

void Callback::drop() noexcept {
    if (claim(State::queued, State::spent) || claim(State::armed, State::spent)) destroy_callable();
    release();
}

void Callback::fire() noexcept {
    if (claim(State::armed, State::queued)) return current_loop()->push_pinned(*this);
    release();  // cancelled, and on its way here
}

bool Callback::cancel() noexcept {
    if (claim(State::queued, State::cancelled)) {
        destroy_callable();
        return true;
    }
    // A timer may become due meanwhile: then it is queued for good.
    if (!claim(State::armed, State::cancelled)) {
        if (!claim(State::queued, State::cancelled)) return false;
        destroy_callable();
        return true;
    }
    destroy_callable();
    if (timer_loop_ == current_loop()) {
        if (timer_loop_->disarm(*this)) release();
        return true;
    }
    retain();
    if (schedule_on(*this, *timer_shell_, timer_generation_) == Sent::closed) release();
    return true;
}

}  // namespace weft::scheduler
