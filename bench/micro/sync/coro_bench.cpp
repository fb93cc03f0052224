#include "sync/coro.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

#include "bench/micro/expect.hpp"
#include "bench/micro/on_loop.hpp"
#include "sync/future.hpp"

namespace weft::micro {
namespace {

Coro<int> one() { co_return 1; }
Coro<int> down(std::int64_t depth) {
    if (depth == 1) co_return 1;
    co_return co_await down(depth - 1);
}

// A call: frame, transfer there and back.
Coro<> await_coro(benchmark::State& state) {
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) sum += static_cast<std::uint64_t>(co_await one());
    expect(state, "a result was lost", sum, in_all(state));
}
BENCHMARK(on_loop<await_coro>)->Name("coro/await");

Coro<> await_deep(benchmark::State& state) {
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) sum += static_cast<std::uint64_t>(co_await down(state.range()));
    expect(state, "a result was lost", sum, in_all(state));
    count_items(state, static_cast<std::uint64_t>(state.range()));
}
BENCHMARK(on_loop<await_deep>)->Name("coro/await_deep")->Arg(100);

Coro<> await_done_future(benchmark::State& state) {
    const auto future = create_future<int>();
    future.set_result(1);
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) sum += static_cast<std::uint64_t>(co_await future);
    expect(state, "a result was lost", sum, in_all(state));
}
BENCHMARK(on_loop<await_done_future>)->Name("coro/await_done_future");

}  // namespace
}  // namespace weft::micro
