#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "bench/peers/passes.hpp"

namespace {

std::uint64_t spawn_and_join(std::size_t size) {
    std::vector<std::uint64_t> results(size);
    tbb::task_group group;
    for (std::size_t i = 0; i < size; ++i) {
        group.run([&result = results[i], i] { result = i; });
    }
    group.wait();
    return std::accumulate(results.begin(), results.end(), std::uint64_t{0});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    arena.execute([&] {
        while (passes.again()) passes.end(spawn_and_join(passes.size()));
    });
    return passes.report();
}
