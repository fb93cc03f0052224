#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::uint64_t kTasks = 8;
constexpr std::ptrdiff_t kPermits = 2;

weft::Coro<std::uint64_t> uncontended(weft::Semaphore& semaphore, std::uint64_t times) {
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < times; ++i) {
        const auto held = co_await semaphore.scoped();
        ++count;
    }
    co_return count;
}

struct Room {
    weft::Semaphore semaphore{kPermits};
    std::atomic<std::ptrdiff_t> inside{0};
};

void enter(Room& room) {
    if (room.inside.fetch_add(1, std::memory_order_relaxed) < kPermits) return;
    std::fputs("more are inside than there are permits\n", stderr);
    std::exit(1);
}

weft::Coro<std::uint64_t> contended(Room& room, std::uint64_t times) {
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < times; ++i) {
        const auto held = co_await room.semaphore.scoped();
        enter(room);
        co_await weft::sleep(std::chrono::seconds(0));
        room.inside.fetch_sub(1, std::memory_order_relaxed);
        ++count;
    }
    co_return count;
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        Room room;
        std::uint64_t count = 0;
        if (passes.variant() == "contended") {
            std::vector<weft::Task<std::uint64_t>> tasks;
            for (std::uint64_t i = 0; i < kTasks; ++i) {
                tasks.push_back(weft::create_task(contended(room, passes.size() / kTasks)));
            }
            for (const weft::Task<std::uint64_t>& task : tasks) count += co_await task;
        } else {
            count = co_await uncontended(room.semaphore, passes.size());
        }
        passes.end(count);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
