#include <uv.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "bench/peers/passes.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Receiver {
    uv_loop_t loop;
    uv_async_t async;
    uv_async_t stop;
    uv_idle_t idle;
    std::atomic<std::int64_t> arrived{0};
};

Receiver& receiver_of(uv_async_t* async) { return *static_cast<Receiver*>(async->data); }

void note_arrival(uv_async_t* async) {
    receiver_of(async).arrived.store(Clock::now().time_since_epoch().count(), std::memory_order_release);
}

// The plain thread's side.
void send(Receiver& receiver, bench::Passes& passes) {
    const bool idle = passes.variant() == "idle";
    while (passes.again()) {
        double sum = 0;
        std::uint64_t count = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) {
            const auto pause = Clock::now() + std::chrono::microseconds(idle ? 200 : 0);
            while (Clock::now() < pause) {
            }
            receiver.arrived.store(0, std::memory_order_relaxed);
            const auto sent = Clock::now().time_since_epoch().count();
            uv_async_send(&receiver.async);
            std::int64_t at = 0;
            while ((at = receiver.arrived.load(std::memory_order_acquire)) == 0) {
            }
            sum += static_cast<double>(at - sent);
            ++count;
        }
        passes.end_after(sum, count);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    Receiver receiver;
    uv_loop_init(&receiver.loop);
    uv_async_init(&receiver.loop, &receiver.async, note_arrival);
    uv_async_init(&receiver.loop, &receiver.stop, [](uv_async_t* async) { uv_stop(async->loop); });
    receiver.async.data = &receiver;
    // A running idle handle makes the loop turn without end.
    uv_idle_init(&receiver.loop, &receiver.idle);
    if (passes.variant() == "busy") uv_idle_start(&receiver.idle, [](uv_idle_t*) {});
    std::thread loop([&receiver] { uv_run(&receiver.loop, UV_RUN_DEFAULT); });
    send(receiver, passes);
    uv_async_send(&receiver.stop);
    loop.join();
    return passes.report();
}
