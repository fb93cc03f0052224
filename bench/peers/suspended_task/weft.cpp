#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<> wait(weft::Future<> released, std::atomic<std::size_t>& waiting) {
    waiting.fetch_add(1, std::memory_order_relaxed);
    co_await released;
}

weft::Coro<> measure(bench::Passes& passes) {
    for (bool first = true; passes.again(); first = false) {
        const std::size_t before = bench::resident_bytes();
        std::atomic<std::size_t> waiting{0};
        std::vector<weft::Future<>> futures(passes.size());
        std::vector<weft::Task<>> tasks;
        tasks.reserve(passes.size());
        for (auto& future : futures) {
            future = weft::create_future<>();
            tasks.push_back(weft::create_task(wait(future, waiting)));
        }
        while (waiting.load(std::memory_order_relaxed) != passes.size()) co_await weft::sleep(std::chrono::seconds(0));
        if (first) {
            passes.also("bytes",
                        static_cast<double>(bench::resident_bytes() - before) / static_cast<double>(passes.size()));
        }
        for (const auto& future : futures) future.set_result();
        std::uint64_t back = 0;
        for (const auto& task : tasks) {
            co_await task;
            ++back;
        }
        passes.end(back);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
