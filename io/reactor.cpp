#include "io/reactor.hpp"

namespace weft::io {

Reactor::Reactor() : work_(context_.get_executor()), alarm_(context_) {}

std::size_t Reactor::poll() {
    if (context_.stopped()) context_.restart();
    return context_.poll();
}

void Reactor::park_until(std::optional<TimePoint> deadline) {
    if (deadline) alarm_at(*deadline);
    // Blocks for one handler, then takes what else is there. A token, left before or meanwhile, stops both.
    if (context_.run_one() != 0) context_.poll();
    if (context_.stopped()) context_.restart();
}

void Reactor::alarm_at(TimePoint deadline) {
    if (alarm_deadline_ == deadline) return;
    alarm_deadline_ = deadline;
    alarm_.expires_at(deadline);  // cancels the wait before
    alarm_.async_wait([this](const boost::system::error_code& error) {
        if (!error) alarm_deadline_.reset();
    });
}

}  // namespace weft::io
