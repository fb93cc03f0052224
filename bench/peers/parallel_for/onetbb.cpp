#include <cmath>
#include <cstddef>
#include <vector>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "bench/peers/passes.hpp"

namespace {

using Range = tbb::blocked_range<std::size_t>;

void measure(bench::Passes& passes) {
    const std::size_t size = passes.size();
    std::vector<double> x(size);
    std::vector<double> y(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<double>(i);
    while (passes.again()) {
        y.assign(size, 0.0);
        passes.start();
        tbb::parallel_for(Range(0, size), [&](const Range& range) {
            for (std::size_t i = range.begin(); i < range.end(); ++i) y[i] += std::sqrt(x[i]) * 0.5;
        });
        passes.stop();
        bool right = true;
        for (std::size_t i = 0; i < size; ++i) right = right && y[i] == std::sqrt(x[i]) * 0.5;
        passes.give(right ? 1 : 0);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    arena.execute([&] { measure(passes); });
    return passes.report();
}
