#include "io/operation.hpp"

#include <new>

#include "scheduler/neighbours.hpp"
#include "scheduler/schedule.hpp"

namespace weft::io {

bool OperationBase::cancel(std::string_view message) noexcept {
    if (done()) return false;
    // One canceller asks Asio; a second finds the request under way.
    if (cancel_requested_.exchange(true, std::memory_order_relaxed)) return true;
    if (!message.empty()) message_ = new (std::nothrow) std::string(message);
    retain();
    if (scheduler::current_loop() == home_loop_) {
        run();
    } else if (scheduler::schedule_on(*this, *home_, generation_) == scheduler::Sent::closed) {
        release();
    }
    return true;
}

void OperationBase::run() noexcept {
    if (!done()) signal_->signal.emit(boost::asio::cancellation_type::all);
    release();
}

void OperationBase::throw_cancelled() { throw CancelledError(message_ == nullptr ? std::string() : *message_); }

scheduler::Loop& neighbour_of(scheduler::Loop& here, const boost::asio::io_context* context) {
    for (scheduler::Loop* neighbour : here.group().loops()) {
        if (context_of(*neighbour) == context) return *neighbour;
    }
    return here;
}

}  // namespace weft::io
