#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<std::uint64_t> work(std::uint64_t number) { co_return number; }

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::vector<weft::Task<std::uint64_t>> tasks;
        tasks.reserve(passes.size());
        for (std::uint64_t i = 0; i < passes.size(); ++i) tasks.push_back(weft::create_task(work(i)));
        std::uint64_t sum = 0;
        for (const auto& task : tasks) sum += co_await task;
        tasks.clear();
        passes.end(sum);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
