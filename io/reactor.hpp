// Reactor: the Parker made of a boost::asio::io_context, one per loop. The loop blocks in Asio; Asio's handlers run
// there, on the loop's thread, and only complete futures.
//
// Invariant: the io_context is run by its loop's thread alone (concurrency hint 1); other threads may only post to it
// or unpark. A deadline is an Asio timer, because the timeout of run_one_until is rounded up to whole milliseconds.
// unpark is io_context::stop: it costs no allocation, keeps its token until the next restart, and a token that is
// lost to a restart was meant for a loop that is awake and looks at its queues next.
//
// Rejected: posting an empty handler to unpark (allocates on foreign threads); an eventfd of our own (an extra read).
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <optional>

#include "scheduler/loop.hpp"
#include "scheduler/parker.hpp"

namespace weft::io {

class Reactor final : public scheduler::Parker {
public:
    Reactor();

    std::size_t poll() override;
    void park_until(std::optional<TimePoint> deadline) override;
    void unpark() override { context_.stop(); }
    [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] void* native() noexcept override { return &context_; }

    [[nodiscard]] boost::asio::io_context& context() { return context_; }

private:
    void alarm_at(TimePoint deadline);

    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer alarm_;
    std::optional<TimePoint> alarm_deadline_;
};

// Returns the io_context of a loop, null if its Parker has none.
[[nodiscard]] inline boost::asio::io_context* context_of(scheduler::Loop& loop) {
    return static_cast<boost::asio::io_context*>(loop.parker().native());
}

}  // namespace weft::io
