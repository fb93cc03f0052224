// libuv has no tasks: a timer and its callback are all there is to one. Times are the loop's, of whole milliseconds.
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/peers/passes.hpp"

namespace {

struct Sleep {
    uv_timer_t timer;
    std::uint64_t due;
    std::uint64_t* awoke;
};

void wake_up(uv_timer_t* timer) {
    const Sleep& sleep = *static_cast<Sleep*>(timer->data);
    if (uv_now(timer->loop) >= sleep.due) ++*sleep.awoke;
    uv_close(reinterpret_cast<uv_handle_t*>(timer), nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    uv_loop_t loop;
    uv_loop_init(&loop);
    passes.count_cpu();
    const std::size_t before = bench::resident_bytes();
    passes.start();
    std::uint64_t awoke = 0;
    std::vector<Sleep> sleeps(passes.size());
    for (std::size_t i = 0; i < sleeps.size(); ++i) {
        Sleep& sleep = sleeps[i];
        const std::uint64_t delay = 1000 + i * 7919 % 100;
        sleep.due = uv_now(&loop) + delay;
        sleep.awoke = &awoke;
        uv_timer_init(&loop, &sleep.timer);
        sleep.timer.data = &sleep;
        uv_timer_start(&sleep.timer, wake_up, delay, 0);
    }
    passes.also("bytes", static_cast<double>(bench::resident_bytes() - before) / static_cast<double>(passes.size()));
    uv_run(&loop, UV_RUN_DEFAULT);
    passes.end_only(awoke);
    uv_loop_close(&loop);
    return passes.report();
}
