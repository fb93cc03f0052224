#include <cmath>
#include <cstddef>
#include <vector>

#include "bench/peers/passes.hpp"

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const std::size_t size = passes.size();
    const int threads = static_cast<int>(passes.loops());
    std::vector<double> x(size);
    std::vector<double> y(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<double>(i);
    while (passes.again()) {
        y.assign(size, 0.0);
        passes.start();
#pragma omp parallel for num_threads(threads)
        for (std::size_t i = 0; i < size; ++i) y[i] += std::sqrt(x[i]) * 0.5;
        passes.stop();
        bool right = true;
        for (std::size_t i = 0; i < size; ++i) right = right && y[i] == std::sqrt(x[i]) * 0.5;
        passes.give(right ? 1 : 0);
    }
    return passes.report();
}
