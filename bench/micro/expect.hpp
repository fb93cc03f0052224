// expect: what a measurement must have done in the end. One that did not do its work is none: weft_micro fails.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

namespace weft::micro {

inline bool failed = false;

template <class A, class B>
void expect(benchmark::State& state, const char* otherwise, const A& is, const B& expected) {
    if (state.error_occurred() || is == static_cast<A>(expected)) return;
    failed = true;
    state.SkipWithError(otherwise);
}

// How many things happened, `each` in an iteration.
inline std::uint64_t in_all(const benchmark::State& state, std::uint64_t each = 1) {
    return static_cast<std::uint64_t>(state.iterations()) * each;
}

inline void count_items(benchmark::State& state, std::uint64_t each) {
    state.SetItemsProcessed(static_cast<std::int64_t>(in_all(state, each)));
}

}  // namespace weft::micro
