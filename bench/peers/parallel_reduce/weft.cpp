#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<> measure(bench::Passes& passes) {
    std::vector<std::uint64_t> x(passes.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i;
    while (passes.again()) {
        const std::uint64_t sum = co_await weft::parallel_reduce(
            std::size_t{0}, x.size(), 8192, std::uint64_t{0}, [&](std::size_t i) { return x[i] * x[i]; },
            std::plus<>());
        passes.end(sum);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
