#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::size_t kTasks = 100;

// Its own cache line: the tasks may run on any loop.
struct alignas(64) Count {
    std::atomic<std::uint64_t> yields{0};
};

weft::Coro<> work(Count& own, std::vector<Count>& all, std::uint64_t times, std::atomic<bool>& ended) {
    for (std::uint64_t i = 0; i < times; ++i) {
        co_await weft::sleep(std::chrono::seconds(0));
        own.yields.store(i + 1, std::memory_order_relaxed);
    }
    if (ended.exchange(true)) co_return;
    const auto behind = [times](const Count& count) {
        return count.yields.load(std::memory_order_relaxed) < times / 2;
    };
    if (std::ranges::any_of(all, behind)) {
        std::fputs("unfair: a task has made less than half of its yields when the first has ended\n", stderr);
        std::exit(3);
    }
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::vector<Count> counts(kTasks);
        std::atomic<bool> ended{false};
        std::vector<weft::Task<>> tasks;
        for (Count& count : counts) tasks.push_back(weft::create_task(work(count, counts, passes.size(), ended)));
        std::uint64_t yields = 0;
        for (std::size_t i = 0; i < kTasks; ++i) {
            co_await tasks[i];
            yields += counts[i].yields.load(std::memory_order_relaxed);
        }
        passes.end(yields);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
