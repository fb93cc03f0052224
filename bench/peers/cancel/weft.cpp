#include <cstddef>
#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::size_t kTasks = 100;

weft::Coro<> work(bool first) {
    const auto never = weft::create_future<>();
    if (!first) co_await never;
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::uint64_t exactly_one = 0;
        for (std::size_t round = 0; round < passes.size(); ++round) {
            std::vector<weft::Task<>> tasks;
            tasks.reserve(kTasks);
            for (std::size_t i = 0; i < kTasks; ++i) {
                tasks.push_back(weft::create_task(work(i == round % kTasks)));
            }
            const auto [done, pending] = co_await weft::wait(tasks, {.return_when = weft::FIRST_COMPLETED});
            for (const auto& task : pending) task.cancel();
            co_await weft::wait(tasks);
            exactly_one += done.size() == 1 && !done.front().cancelled() ? 1U : 0U;
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
