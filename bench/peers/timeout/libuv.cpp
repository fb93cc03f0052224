// The operation goes through one turn of the loop by an idle handle; arming and cancelling the timer are plain calls.
#include <uv.h>

#include <cstdint>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::uint64_t kHour = 3'600'000;

struct Operations {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_idle_t turn;
    bool late = false;
    std::uint64_t in_time = 0;
    std::uint64_t left = 0;
};

void strike(uv_timer_t* timer) { static_cast<Operations*>(timer->data)->late = true; }

// Ends an operation, and begins the next.
void next(uv_idle_t* turn) {
    Operations& operations = *static_cast<Operations*>(turn->data);
    uv_timer_stop(&operations.timer);
    if (!operations.late) ++operations.in_time;
    if (--operations.left == 0) {
        uv_idle_stop(turn);
    } else {
        uv_timer_start(&operations.timer, strike, kHour, 0);
    }
}

std::uint64_t run(Operations& operations, std::uint64_t size) {
    operations.in_time = 0;
    operations.left = size;
    uv_timer_start(&operations.timer, strike, kHour, 0);
    uv_idle_start(&operations.turn, next);
    uv_run(&operations.loop, UV_RUN_DEFAULT);
    return operations.in_time;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    Operations operations;
    uv_loop_init(&operations.loop);
    uv_timer_init(&operations.loop, &operations.timer);
    uv_idle_init(&operations.loop, &operations.turn);
    operations.timer.data = &operations;
    operations.turn.data = &operations;
    while (passes.again()) passes.end(run(operations, passes.size()));
    return passes.report();
}
