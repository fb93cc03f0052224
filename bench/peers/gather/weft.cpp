#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<std::uint64_t> work(std::uint64_t number) { co_return number; }

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::uint64_t sum = 0;
        for (std::size_t round = 0; round < passes.size(); ++round) {
            std::vector<weft::Coro<std::uint64_t>> children;
            children.reserve(1000);
            for (std::uint64_t i = 0; i < 1000; ++i) children.push_back(work(i));
            const std::vector<std::uint64_t> results = co_await weft::gather(std::move(children));
            for (const std::uint64_t result : results) sum += result;
        }
        passes.end(sum);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
