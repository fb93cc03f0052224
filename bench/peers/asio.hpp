// What the Asio programs of bench/peers/ share: coroutines on the executor type of io_context (any_io_executor, the
// default, costs a virtual call each time), and LOOPS threads that run one io_context. A co_await of an operation takes
// asio::deferred where it can: use_awaitable would add a coroutine frame.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bench {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
using UseAwaitable = asio::use_awaitable_t<Executor>;
template <class T = void>
using Awaitable = asio::awaitable<T, Executor>;

inline constexpr UseAwaitable use_awaitable;

using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

// Completion of a coroutine that is not expected to throw.
inline constexpr auto rethrow = [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
};

// Runs a coroutine and whatever it spawns; the calling thread is one of the LOOPS.
inline void run(std::size_t loops, Awaitable<> main) {
    asio::io_context context(static_cast<int>(loops));
    asio::co_spawn(context, std::move(main), rethrow);
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < loops; ++i) threads.emplace_back([&context] { context.run(); });
    context.run();
}

// Lets one coroutine wait until others have counted down COUNT times: Asio's tasks have no handle to be joined by.
class Latch {
    using Waiter = asio::async_result<UseAwaitable, void()>::handler_type;

public:
    explicit Latch(std::size_t count) : left_(count + 1) {}

    void count_down() {
        if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        Waiter waiter = std::move(*waiter_);  // which ends the latch's life as soon as it runs
        asio::post(std::move(waiter));
    }
    // Counts down itself once it can be woken.
    Awaitable<> wait() {
        auto initiate = [this](auto&& handler) {
            waiter_.emplace(std::move(handler));
            count_down();
        };
        co_await asio::async_initiate<const UseAwaitable&, void()>(initiate, use_awaitable);
    }

private:
    std::atomic<std::size_t> left_;
    std::optional<Waiter> waiter_;
};

}  // namespace bench
