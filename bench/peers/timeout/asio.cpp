// The timer is armed and cancelled beside the operation: `operation || timer.async_wait(...)` would spawn a coroutine
// for each of the two.
#include <atomic>
#include <chrono>
#include <cstdint>

#include <boost/asio/deferred.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    bench::Timer timer(executor);
    std::atomic<bool> late{false};
    while (passes.again()) {
        std::uint64_t in_time = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) {
            timer.expires_after(std::chrono::hours(1));
            timer.async_wait([&late](boost::system::error_code cancelled) {
                if (!cancelled) late.store(true, std::memory_order_relaxed);
            });
            co_await asio::post(asio::deferred);
            timer.cancel();
            if (!late.load(std::memory_order_relaxed)) ++in_time;
        }
        passes.end(in_time);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), measure(passes));
    return passes.report();
}
