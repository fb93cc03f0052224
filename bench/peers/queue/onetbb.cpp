// Its tasks cannot wait for each other: threads do, on as many cores as there are LOOPS.
#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

#include <oneapi/tbb/concurrent_queue.h>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::ptrdiff_t kRoom = 128;

using Numbers = tbb::concurrent_bounded_queue<std::uint64_t>;

void produce(Numbers& queue, std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t number = begin; number < end; ++number) queue.push(number);
}

std::uint64_t consume(Numbers& queue, std::uint64_t count) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t number = 0;
        queue.pop(number);
        sum += number;
    }
    return sum;
}

std::uint64_t pass(std::size_t producers, std::size_t consumers, std::uint64_t size) {
    Numbers queue;
    queue.set_capacity(kRoom);
    std::vector<std::uint64_t> sums(consumers);
    {
        std::vector<std::jthread> threads;
        const std::uint64_t share = size / producers;
        for (std::size_t i = 0; i < producers; ++i) {
            threads.emplace_back([&queue, i, share] { produce(queue, i * share, (i + 1) * share); });
        }
        for (std::uint64_t& sum : sums) {
            threads.emplace_back([&queue, &sum, count = size / consumers] { sum = consume(queue, count); });
        }
    }
    return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

// Leaves the process so many of the cores that it may use.
void keep_cores(std::size_t count) {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof(usable), &usable) != 0) return;
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
        if (!CPU_ISSET(core, &usable)) continue;
        if (count == 0) CPU_CLR(core, &usable);
        if (count > 0) --count;
    }
    (void)sched_setaffinity(0, sizeof(usable), &usable);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    keep_cores(passes.loops());
    const std::size_t producers = passes.variant() == "one_one" ? 1 : 8;
    const std::size_t consumers = passes.variant() == "n_n" ? 8 : 1;
    while (passes.again()) passes.end(pass(producers, consumers, passes.size()));
    return passes.report();
}
