#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;

constexpr std::size_t kTasks = 100;

// Its own cache line: the tasks may run on any thread.
struct alignas(64) Count {
    std::atomic<std::uint64_t> yields{0};
};

bool is_fair(const std::vector<Count>& counts, std::uint64_t times) {
    return std::ranges::all_of(
        counts, [times](const Count& count) { return count.yields.load(std::memory_order_relaxed) >= times / 2; });
}

template <class Stacks>
std::uint64_t yield_often(std::uint64_t times, Stacks& stacks) {
    std::vector<Count> counts(kTasks);
    std::atomic<bool> ended{false};
    std::atomic<bool> fair{true};
    std::vector<fibers::fiber> tasks;
    for (Count& own : counts) {
        tasks.emplace_back(std::allocator_arg, stacks, [&own, &counts, &ended, &fair, times] {
            for (std::uint64_t i = 0; i < times; ++i) {
                boost::this_fiber::yield();
                own.yields.store(i + 1, std::memory_order_relaxed);
            }
            if (!ended.exchange(true)) fair = is_fair(counts, times);
        });
    }
    for (fibers::fiber& task : tasks) task.join();
    if (!fair) {
        std::fputs("unfair: a task has made less than half of its yields when the first has ended\n", stderr);
        std::_Exit(3);  // the other threads still run
    }
    std::uint64_t yields = 0;
    for (const Count& count : counts) yields += count.yields.load(std::memory_order_relaxed);
    return yields;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto stacks) {
        while (passes.again()) passes.end(yield_often(passes.size(), stacks));
    });
    return passes.report();
}
