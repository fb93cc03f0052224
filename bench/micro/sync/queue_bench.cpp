#include "sync/queue.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

#include "bench/micro/expect.hpp"
#include "bench/micro/on_loop.hpp"
#include "sync/task.hpp"

namespace weft::micro {
namespace {

// Nobody waits: there is room, and then an item.
Coro<> put_get(benchmark::State& state) {
    Queue<std::uint64_t> queue(128);
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        co_await queue.put(1);
        sum += co_await queue.get();
    }
    expect(state, "an item was lost", sum, in_all(state));
}
BENCHMARK(on_loop<put_get>)->Name("queue/put_get");

Coro<> put_get_least(benchmark::State& state) {
    const auto others = static_cast<std::uint64_t>(state.range());
    PriorityQueue<std::uint64_t> queue;
    for (std::uint64_t i = 0; i < others; ++i) queue.put_nowait(i * 2);
    std::uint64_t got = 0;
    for ([[maybe_unused]] auto _ : state) {
        co_await queue.put((got * 7919) % (others * 2));
        (void)co_await queue.get();
        ++got;
    }
    expect(state, "an item was lost", got, in_all(state));
    expect(state, "an item is left over", queue.qsize(), others);
}
BENCHMARK(on_loop<put_get_least>)->Name("queue/put_get_least_of")->Arg(1000);

Coro<> get(Queue<std::uint64_t>& queue, std::uint64_t count, std::uint64_t& sum) {
    for (std::uint64_t i = 0; i < count; ++i) sum += co_await queue.get();
}

// With room for one: each put waits for the get before it, each get for its put.
Coro<> in_turns(benchmark::State& state) {
    constexpr std::uint64_t kItems = 1000;
    Queue<std::uint64_t> queue(1);
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto getting = create_task(get(queue, kItems, sum));
        for (std::uint64_t i = 0; i < kItems; ++i) co_await queue.put(1);
        co_await getting;
    }
    expect(state, "an item was lost", sum, in_all(state, kItems));
    count_items(state, kItems);
}
BENCHMARK(on_loop<in_turns>)->Name("queue/put_get_in_turns");

}  // namespace
}  // namespace weft::micro
