#include "sync/task.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/on_loop.hpp"
#include "sync/errors.hpp"
#include "sync/future.hpp"
#include "sync/sleep.hpp"

namespace weft::micro {
namespace {

using namespace std::chrono_literals;

Coro<std::uint64_t> one() { co_return 1; }
Coro<> wait_for(Future<> future) { co_await future; }

Coro<> spawn_await(benchmark::State& state) {
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto task = create_task(one());
        sum += co_await task;
    }
    expect(state, "a result was lost", sum, in_all(state));
}
BENCHMARK(on_loop<spawn_await>)->Name("task/spawn_await");

Coro<> spawn_join(benchmark::State& state) {
    std::vector<Task<std::uint64_t>> tasks(static_cast<std::size_t>(state.range()));
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (auto& task : tasks) task = create_task(one());
        for (const auto& task : tasks) sum += co_await task;
    }
    expect(state, "a result was lost", sum, in_all(state, tasks.size()));
    count_items(state, tasks.size());
}
BENCHMARK(on_loop<spawn_join>)->Name("task/spawn_join")->Arg(1000);

Coro<> yield(benchmark::State& state) {
    std::uint64_t turns = 0;
    for ([[maybe_unused]] auto _ : state) {
        co_await sleep(0s);
        ++turns;
    }
    expect(state, "a turn was lost", turns, in_all(state));
}
BENCHMARK(on_loop<yield>)->Name("task/yield");

// Spawned, suspended at a future, woken, joined.
Coro<> suspend_wake(benchmark::State& state) {
    std::uint64_t woken = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto future = create_future<>();
        const auto task = create_task(wait_for(future));
        co_await sleep(0s);
        future.set_result();
        co_await task;
        ++woken;
    }
    expect(state, "a task was not woken", woken, in_all(state));
}
BENCHMARK(on_loop<suspend_wake>)->Name("task/spawn_suspend_wake_await");

Coro<> cancel(benchmark::State& state) {
    std::uint64_t cancelled = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto task = create_task(wait_for(create_future<>()));
        co_await sleep(0s);
        task.cancel();
        try {
            co_await task;
        } catch (const CancelledError&) {
            ++cancelled;
        }
    }
    expect(state, "a task was not cancelled", cancelled, in_all(state));
}
BENCHMARK(on_loop<cancel>)->Name("task/spawn_suspend_cancel_await");

}  // namespace
}  // namespace weft::micro
