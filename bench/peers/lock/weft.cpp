#include <chrono>
#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::uint64_t kTasks = 8;

struct Counter {
    weft::Lock lock;
    std::uint64_t count = 0;
};

weft::Coro<> uncontended(Counter& counter, std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
        const auto held = co_await counter.lock.scoped();
        ++counter.count;
    }
}

weft::Coro<> contended(Counter& counter, std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
        const auto held = co_await counter.lock.scoped();
        const std::uint64_t count = counter.count;
        co_await weft::sleep(std::chrono::seconds(0));
        counter.count = count + 1;
    }
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        Counter counter;
        if (passes.variant() == "contended") {
            std::vector<weft::Task<>> tasks;
            for (std::uint64_t i = 0; i < kTasks; ++i) {
                tasks.push_back(weft::create_task(contended(counter, passes.size() / kTasks)));
            }
            for (const weft::Task<>& task : tasks) co_await task;
        } else {
            co_await uncontended(counter, passes.size());
        }
        passes.end(counter.count);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
