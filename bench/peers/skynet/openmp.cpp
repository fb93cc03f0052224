#include <array>
#include <cstdint>
#include <numeric>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::uint64_t kChildren = 10;

std::uint64_t skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / kChildren;
    std::array<std::uint64_t, kChildren> parts{};
    for (std::uint64_t i = 0; i + 1 < kChildren; ++i) {
#pragma omp task shared(parts) firstprivate(i, first, share)
        parts[i] = skynet(first + i * share, share);
    }
    parts.back() = skynet(first + (kChildren - 1) * share, share);
#pragma omp taskwait
    return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
#pragma omp parallel num_threads(static_cast<int>(passes.loops()))
#pragma omp single
    while (passes.again()) passes.end(skynet(0, passes.size()));
    return passes.report();
}
