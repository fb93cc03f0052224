#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<std::uint64_t> skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) co_return first;
    const std::uint64_t share = leaves / 10;
    std::vector<weft::Coro<std::uint64_t>> children;
    children.reserve(10);
    for (std::size_t i = 0; i < 10; ++i) children.push_back(skynet(first + i * share, share));
    const std::vector<std::uint64_t> parts = co_await weft::fork_join(std::move(children));
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts) sum += part;
    co_return sum;
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        const std::uint64_t answer = co_await skynet(0, passes.size());
        passes.end(answer);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
