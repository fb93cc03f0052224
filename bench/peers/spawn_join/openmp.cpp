// libgomp runs a task at once where 64 for each thread are waiting already.
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "bench/peers/passes.hpp"

namespace {

std::uint64_t spawn_and_join(std::size_t size) {
    std::vector<std::uint64_t> results(size);
    for (std::size_t i = 0; i < size; ++i) {
#pragma omp task shared(results) firstprivate(i)
        results[i] = i;
    }
#pragma omp taskwait
    return std::accumulate(results.begin(), results.end(), std::uint64_t{0});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
#pragma omp parallel num_threads(static_cast<int>(passes.loops()))
#pragma omp single
    while (passes.again()) passes.end(spawn_and_join(passes.size()));
    return passes.report();
}
