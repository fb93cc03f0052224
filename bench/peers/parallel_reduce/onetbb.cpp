#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_reduce.h>
#include <oneapi/tbb/task_arena.h>

#include "bench/peers/passes.hpp"

namespace {

using Range = tbb::blocked_range<std::size_t>;

std::uint64_t sum_of_squares(const std::vector<std::uint64_t>& x) {
    return tbb::parallel_reduce(
        Range(0, x.size()), std::uint64_t{0},
        [&](const Range& range, std::uint64_t sum) {
            for (std::size_t i = range.begin(); i < range.end(); ++i) sum += x[i] * x[i];
            return sum;
        },
        std::plus<>());
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    std::vector<std::uint64_t> x(passes.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i;
    arena.execute([&] {
        while (passes.again()) passes.end(sum_of_squares(x));
    });
    return passes.report();
}
