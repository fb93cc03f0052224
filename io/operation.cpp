#include "io/operation.hpp"

namespace weft::io {

bool OperationBase::cancel(std::string_view message) noexcept {
    if (done()) return false;
    // One canceller asks Asio; a second finds the request under way.
    if (cancel_requested_.exchange(true, std::memory_order_relaxed)) return true;
    message_ = message;
    retain();
    if (scheduler::current_loop() == home_loop_) {
        run();
    } else if (scheduler::schedule(*this, *home_, scheduler::Affinity::pinned) == scheduler::Sent::closed) {
        release();
    }
    return true;
}

void OperationBase::run() noexcept {
    if (!done()) signal_.emit(boost::asio::cancellation_type::all);
    release();
}

void OperationBase::throw_cancelled() {
    throw CancelledError(message_);
}

scheduler::Loop& home_of(const boost::asio::io_context* context) {
    scheduler::Loop& here = sync::require_loop();
    if (context == nullptr || context == context_of(here)) return here;
    for (scheduler::Loop* neighbour : here.group().loops()) {
        if (context_of(*neighbour) == context) return *neighbour;
    }
    return here;
}

}  // namespace weft::io
