#include "io/reactor.hpp"

namespace weft::io {

Reactor::Reactor() : work_(context_.get_executor()), alarm_(context_) {}

std::size_t Reactor::poll() {
    immediate_.refill();
    const std::size_t handled = context_.poll();
    if (handled != 0 || !context_.stopped()) return handled;
    context_.restart();  // a token that nobody parked for
    return context_.poll();
}

void Reactor::park_until(std::optional<TimePoint> deadline) {
    immediate_.refill();
    if (deadline) alarm_at(*deadline);
    // One handler at a time: what it made ready runs next, and the loop comes back for the others. Taking all of them
    // (poll) would ask the kernel once more each time. A token, left before or meanwhile, ends the wait. The end of an
    // alarm that was set anew is no event: returning for it would set it anew again, for ever.
    std::size_t handled = 0;
    do {
        alarm_replaced_ = false;
        handled = context_.run_one();
    } while (handled != 0 && alarm_replaced_);
    if (handled == 0) context_.restart();  // a token; one behind a handler ends the next park
}

void Reactor::alarm_at(TimePoint deadline) {
    if (alarm_deadline_ == deadline) return;
    alarm_deadline_.reset();
    alarm_.expires_at(deadline);  // cancels the wait before
    alarm_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            alarm_replaced_ = true;
        } else {
            alarm_deadline_.reset();
        }
    });
    alarm_deadline_ = deadline;  // last: what throws must be tried again
}

}  // namespace weft::io
