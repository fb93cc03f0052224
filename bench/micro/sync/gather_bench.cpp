#include "sync/gather.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/on_loop.hpp"

namespace weft::micro {
namespace {

Coro<std::uint64_t> one() { co_return 1; }

Coro<> two(benchmark::State& state) {
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto [a, b] = co_await gather(one(), one());
        sum += a + b;
    }
    expect(state, "a result was lost", sum, in_all(state, 2));
    count_items(state, 2);
}
BENCHMARK(on_loop<two>)->Name("gather/two");

Coro<> range(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range());
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        std::vector<Coro<std::uint64_t>> children;
        children.reserve(count);
        for (std::size_t i = 0; i < count; ++i) children.push_back(one());
        const auto results = co_await gather(std::move(children));
        for (const std::uint64_t result : results) sum += result;
    }
    expect(state, "a result was lost", sum, in_all(state, count));
    count_items(state, count);
}
BENCHMARK(on_loop<range>)->Name("gather/range")->Arg(1000);

}  // namespace
}  // namespace weft::micro
