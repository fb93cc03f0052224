// A timer that never expires is Asio's cheapest one-shot: a channel of its own for each task takes twice the memory.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

// Returns when the timer is cancelled.
bench::Awaitable<> work(bench::Timer& released) { co_await released.async_wait(asio::as_tuple(asio::deferred)); }

bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    for (bool first = true; passes.again(); first = false) {
        const std::size_t before = bench::resident_bytes();
        std::atomic<std::uint64_t> back{0};
        bench::Latch latch(passes.size());
        std::vector<bench::Timer> timers;
        timers.reserve(passes.size());
        for (std::size_t i = 0; i < passes.size(); ++i) {
            bench::Timer& timer = timers.emplace_back(executor, bench::Timer::time_point::max());
            asio::co_spawn(executor, work(timer), [&back, &latch](std::exception_ptr) {
                back.fetch_add(1, std::memory_order_relaxed);
                latch.count_down();
            });
        }
        // All wait: inside the io_context a coroutine runs up to its first suspension before co_spawn returns.
        if (first) {
            passes.also("bytes",
                        static_cast<double>(bench::resident_bytes() - before) / static_cast<double>(passes.size()));
        }
        for (bench::Timer& timer : timers) timer.cancel();
        co_await latch.wait();
        passes.end(back.load(std::memory_order_relaxed));
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), measure(passes));
    return passes.report();
}
