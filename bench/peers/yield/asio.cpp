#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include <boost/asio/deferred.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

constexpr std::size_t kTasks = 100;

// Its own cache line: the tasks may run on any thread.
struct alignas(64) Count {
    std::atomic<std::uint64_t> yields{0};
};

bool is_fair(const std::vector<Count>& counts, std::uint64_t times) {
    return std::ranges::all_of(
        counts, [times](const Count& count) { return count.yields.load(std::memory_order_relaxed) >= times / 2; });
}

struct Tasks {
    std::uint64_t times;
    std::vector<Count> counts{kTasks};
    std::atomic<bool> ended{false};
    std::atomic<bool> fair{true};
};

bench::Awaitable<> work(Tasks& tasks, Count& own) {
    for (std::uint64_t i = 0; i < tasks.times; ++i) {
        co_await asio::post(asio::deferred);
        own.yields.store(i + 1, std::memory_order_relaxed);
    }
    if (!tasks.ended.exchange(true)) tasks.fair = is_fair(tasks.counts, tasks.times);
}

bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    while (passes.again()) {
        Tasks tasks{.times = passes.size()};
        bench::Latch latch(kTasks);
        for (Count& count : tasks.counts) {
            asio::co_spawn(executor, work(tasks, count), [&latch](std::exception_ptr) { latch.count_down(); });
        }
        co_await latch.wait();
        if (!tasks.fair) {
            std::fputs("unfair: a task has made less than half of its yields when the first has ended\n", stderr);
            std::exit(3);
        }
        std::uint64_t yields = 0;
        for (const Count& count : tasks.counts) yields += count.yields.load(std::memory_order_relaxed);
        passes.end(yields);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), measure(passes));
    return passes.report();
}
