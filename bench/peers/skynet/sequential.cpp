#include <cstdint>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::uint64_t kChildren = 10;

[[gnu::noinline]] std::uint64_t skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / kChildren;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < kChildren; ++i) sum += skynet(first + i * share, share);
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    while (passes.again()) passes.end(skynet(0, passes.size()));
    return passes.report();
}
