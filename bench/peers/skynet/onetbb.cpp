#include <array>
#include <cstdint>
#include <numeric>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::uint64_t kChildren = 10;

std::uint64_t skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / kChildren;
    std::array<std::uint64_t, kChildren> parts{};
    tbb::task_group group;
    for (std::uint64_t i = 0; i + 1 < kChildren; ++i) {
        group.run([&part = parts[i], begin = first + i * share, share] { part = skynet(begin, share); });
    }
    parts.back() = skynet(first + (kChildren - 1) * share, share);
    group.wait();
    return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    arena.execute([&] {
        while (passes.again()) passes.end(skynet(0, passes.size()));
    });
    return passes.report();
}
