#include <cmath>
#include <cstddef>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<> measure(bench::Passes& passes) {
    const std::size_t size = passes.size();
    std::vector<double> x(size);
    std::vector<double> y(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<double>(i);
    while (passes.again()) {
        y.assign(size, 0.0);
        passes.start();
        co_await weft::parallel_for(std::size_t{0}, size, 8192, [&](std::size_t i) { y[i] += std::sqrt(x[i]) * 0.5; });
        passes.stop();
        bool right = true;
        for (std::size_t i = 0; i < size; ++i) right = right && y[i] == std::sqrt(x[i]) * 0.5;
        passes.give(right ? 1 : 0);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
