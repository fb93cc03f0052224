#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/peers/passes.hpp"

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const int threads = static_cast<int>(passes.loops());
    std::vector<std::uint64_t> x(passes.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i;
    while (passes.again()) {
        std::uint64_t sum = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : sum)
        for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * x[i];
        passes.end(sum);
    }
    return passes.report();
}
