#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/peers/passes.hpp"

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    std::vector<std::uint64_t> x(passes.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i;
    while (passes.again()) {
        std::uint64_t sum = 0;
        for (const std::uint64_t number : x) sum += number * number;
        passes.end(sum);
    }
    return passes.report();
}
