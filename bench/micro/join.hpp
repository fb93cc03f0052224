// join_two, join_range: a measurement of what waits for several Coros at once: BENCHMARK(on_loop<join_two<Gathering>>).
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/micro/expect.hpp"
#include "sync/coro.hpp"

namespace weft::micro {

inline Coro<std::uint64_t> one() { co_return 1; }

// Join()(one(), one()) is awaited.
template <class Join>
Coro<> join_two(benchmark::State& state) {
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto [a, b] = co_await Join()(one(), one());
        sum += a + b;
    }
    expect(state, "a result was lost", sum, in_all(state, 2));
    count_items(state, 2);
}

// Join()(vector) is awaited, of as many Coros as the measurement's argument says.
template <class Join>
Coro<> join_range(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range());
    std::uint64_t sum = 0;
    for ([[maybe_unused]] auto _ : state) {
        std::vector<Coro<std::uint64_t>> coros;
        coros.reserve(count);
        for (std::size_t i = 0; i < count; ++i) coros.push_back(one());
        const auto results = co_await Join()(std::move(coros));
        for (const std::uint64_t result : results) sum += result;
    }
    expect(state, "a result was lost", sum, in_all(state, count));
    count_items(state, count);
}

}  // namespace weft::micro
