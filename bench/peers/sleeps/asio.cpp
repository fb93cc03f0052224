#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>

#include <boost/asio/deferred.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

bench::Awaitable<bool> work(bench::Executor executor, std::size_t i) {
    bench::Timer timer(executor, std::chrono::milliseconds(1000 + i * 7919 % 100));
    co_await timer.async_wait(asio::deferred);
    co_return std::chrono::steady_clock::now() >= timer.expiry();
}

bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    passes.count_cpu();
    const std::size_t before = bench::resident_bytes();
    passes.start();
    std::atomic<std::uint64_t> awoke{0};
    bench::Latch latch(passes.size());
    for (std::size_t i = 0; i < passes.size(); ++i) {
        asio::co_spawn(executor, work(executor, i), [&awoke, &latch](std::exception_ptr, bool in_time) {
            if (in_time) awoke.fetch_add(1, std::memory_order_relaxed);
            latch.count_down();
        });
    }
    passes.also("bytes", static_cast<double>(bench::resident_bytes() - before) / static_cast<double>(passes.size()));
    co_await latch.wait();
    passes.end_only(awoke.load(std::memory_order_relaxed));
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), measure(passes));
    return passes.report();
}
