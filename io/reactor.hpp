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
#include <cstdint>
#include <optional>

#include "io/immediate.hpp"
#include "io/signal_pool.hpp"
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
    [[nodiscard]] void* native() noexcept override { return this; }

    [[nodiscard]] boost::asio::io_context& context() { return context_; }
    [[nodiscard]] Immediate& immediate() { return immediate_; }
    [[nodiscard]] SignalPool& signals() { return signals_; }

private:
    void alarm_at(TimePoint deadline);

    // Before the context: its handlers are destroyed with it.
    Immediate immediate_;
    SignalPool signals_;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer alarm_;
    std::optional<TimePoint> alarm_deadline_;
    bool alarm_replaced_ = false;
};

// Returns the Reactor of a loop, null if it has another kind of Parker.
[[nodiscard]] inline Reactor* reactor_of(scheduler::Loop& loop) { return static_cast<Reactor*>(loop.native()); }
[[nodiscard]] inline boost::asio::io_context* context_of(scheduler::Loop& loop) {
    Reactor* reactor = reactor_of(loop);
    return reactor == nullptr ? nullptr : &reactor->context();
}

}  // namespace weft::io
