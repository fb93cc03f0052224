#include "scheduler/handle.hpp"

#include <exception>

namespace weft::scheduler {

namespace {
[[noreturn]] void terminate_on_exception(std::exception_ptr) noexcept { std::terminate(); }
}  // namespace

constinit ReportCallbackException report_callback_exception = &terminate_on_exception;

void Callback::run() noexcept {
    if (claim(State::running)) {
        try {
            call();
        } catch (...) {
            report_callback_exception(std::current_exception());
        }
        destroy_callable();
        state_.store(State::spent, std::memory_order_release);
    }
    release();
}

void Callback::drop() noexcept {
    if (claim(State::spent)) destroy_callable();
    release();
}

bool Callback::cancel() noexcept {
    if (!claim(State::cancelled)) return false;
    destroy_callable();
    // On its own loop a timer leaves the heap at once (rule 12); from elsewhere it stays there, empty, until it is due.
    if (timer_loop_ != nullptr && timer_loop_ == current_loop() && timer_loop_->disarm(*this)) release();
    return true;
}

}  // namespace weft::scheduler
