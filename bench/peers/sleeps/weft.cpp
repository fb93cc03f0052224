#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<bool> work(std::size_t i) {
    const auto delay = std::chrono::milliseconds(1000 + i * 7919 % 100);
    const weft::TimePoint due = weft::get_running_loop().time() + delay;
    co_await weft::sleep(delay);
    co_return weft::get_running_loop().time() >= due;
}

weft::Coro<> measure(bench::Passes& passes) {
    passes.count_cpu();
    const std::size_t before = bench::resident_bytes();
    passes.start();
    std::vector<weft::Task<bool>> tasks;
    tasks.reserve(passes.size());
    for (std::size_t i = 0; i < passes.size(); ++i) tasks.push_back(weft::create_task(work(i)));
    co_await weft::sleep(std::chrono::milliseconds(900));
    passes.also("bytes", static_cast<double>(bench::resident_bytes() - before) / static_cast<double>(passes.size()));
    std::uint64_t awoke = 0;
    for (const auto& task : tasks) awoke += co_await task ? 1U : 0U;
    passes.end_only(awoke);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
