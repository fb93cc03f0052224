#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "bench/peers/passes.hpp"
#include "bench/peers/quicksort/partition.hpp"

namespace {

void quicksort(std::uint64_t* first, std::uint64_t* last) {
    if (static_cast<std::size_t>(last - first) < bench::kFewNumbers) return std::sort(first, last);
    std::uint64_t* const middle = bench::partition(first, last);
    tbb::task_group group;
    group.run([first, middle] { quicksort(first, middle); });
    quicksort(middle, last);
    group.wait();
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    std::vector<std::uint64_t> numbers(passes.size());
    arena.execute([&] {
        while (passes.again()) {
            const std::uint64_t sum = bench::fill(numbers);
            passes.start();
            quicksort(numbers.data(), numbers.data() + numbers.size());
            passes.stop();
            passes.give(bench::check(numbers, sum) ? 1 : 0);
        }
    });
    return passes.report();
}
