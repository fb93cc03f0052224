#include <cstddef>
#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::size_t kTasks = 100;

weft::Coro<> work(bool first, weft::Future<> released) {
    if (!first) co_await released;
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::uint64_t exactly_one = 0;
        for (std::size_t round = 0; round < passes.size(); ++round) {
            const auto released = weft::create_future<>();
            std::vector<weft::Task<>> tasks;
            tasks.reserve(kTasks);
            for (std::size_t i = 0; i < kTasks; ++i) {
                tasks.push_back(weft::create_task(work(i == round % kTasks, released)));
            }
            const auto [done, pending] = co_await weft::wait(tasks, {.return_when = weft::FIRST_COMPLETED});
            released.set_result();
            const auto [all, none] = co_await weft::wait(tasks);
            exactly_one += done.size() == 1 && all.size() == kTasks ? 1U : 0U;
        }
        passes.end(exactly_one);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
