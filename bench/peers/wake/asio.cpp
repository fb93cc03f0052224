#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// The plain thread's side. Each callback notes when it came.
void send(asio::io_context& context, bench::Passes& passes) {
    const bool idle = passes.variant() == "idle";
    while (passes.again()) {
        std::atomic<std::int64_t> arrived{0};
        double sum = 0;
        std::uint64_t count = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) {
            const auto pause = Clock::now() + std::chrono::microseconds(idle ? 200 : 0);
            while (Clock::now() < pause) {
            }
            arrived.store(0, std::memory_order_relaxed);
            const auto sent = Clock::now().time_since_epoch().count();
            asio::post(context, [&arrived] {
                arrived.store(Clock::now().time_since_epoch().count(), std::memory_order_release);
            });
            std::int64_t at = 0;
            while ((at = arrived.load(std::memory_order_acquire)) == 0) {
            }
            sum += static_cast<double>(at - sent);
            ++count;
        }
        passes.end_after(sum, count);
    }
}

bench::Awaitable<> keep_busy(const std::atomic<bool>& ended) {
    while (!ended.load(std::memory_order_relaxed)) co_await asio::post(asio::deferred);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    asio::io_context context(static_cast<int>(passes.loops()));
    auto work = asio::make_work_guard(context);
    std::atomic<bool> ended{false};
    if (passes.variant() == "busy") asio::co_spawn(context, keep_busy(ended), bench::rethrow);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < passes.loops(); ++i) threads.emplace_back([&context] { context.run(); });
    send(context, passes);
    ended.store(true, std::memory_order_relaxed);
    work.reset();
    return passes.report();
}
