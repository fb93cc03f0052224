#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

using Clock = std::chrono::steady_clock;

// The plain thread's side. Each call notes when it came.
void send(weft::Loop& loop, bench::Passes& passes) {
    const bool idle = passes.variant() == "idle";
    while (passes.again()) {
        std::atomic<std::int64_t> arrived{0};
        double sum = 0;
        std::uint64_t count = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) {
            const auto pause = Clock::now() + std::chrono::microseconds(idle ? 200 : 0);
            while (Clock::now() < pause) {
            }
            arrived.store(0, std::memory_order_relaxed);
            const auto sent = Clock::now().time_since_epoch().count();
            loop.call_soon_threadsafe(
                [&] { arrived.store(Clock::now().time_since_epoch().count(), std::memory_order_release); });
            std::int64_t at = 0;
            while ((at = arrived.load(std::memory_order_acquire)) == 0) {
            }
            sum += static_cast<double>(at - sent);
            ++count;
        }
        passes.end_after(sum, count);
    }
}

weft::Coro<> measure(bench::Passes& passes) {
    weft::Loop& loop = weft::get_running_loop();
    const auto ended = weft::create_future<>();
    std::thread sender([&] {
        send(loop, passes);
        ended.set_result();
    });
    if (passes.variant() == "busy") {
        while (!ended.done()) co_await weft::sleep(std::chrono::seconds(0));
    }
    co_await ended;
    sender.join();
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
