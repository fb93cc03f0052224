#include "sync/future_state.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/rival.hpp"
#include "sync/future.hpp"

namespace weft::micro {
namespace {

using sync::FutureRef;
using sync::FutureState;
using sync::ValueFutureState;

class Counting final : public sync::RemovableWaiter {
public:
    void wake() noexcept override { ++wakes_; }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    [[nodiscard]] std::uint64_t wakes() const { return wakes_; }

private:
    std::uint64_t wakes_ = 0;
};

void complete(benchmark::State& state) {
    std::uint64_t completed = 0;
    for ([[maybe_unused]] auto _ : state) {
        auto* future = new ValueFutureState<int>;
        const FutureRef ref(future);
        completed += future->try_set_value(1);
    }
    expect(state, "was complete before", completed, in_all(state));
}
BENCHMARK(complete)->Name("future_state/make_complete");

void wake(benchmark::State& state) {
    std::vector<Counting> waiters(static_cast<std::size_t>(state.range()));
    for ([[maybe_unused]] auto _ : state) {
        auto* future = new ValueFutureState<int>;
        const FutureRef ref(future);
        for (Counting& waiter : waiters) (void)future->add_waiter(waiter);
        (void)future->try_set_value(1);
    }
    expect(state, "a waiter was woken too often or too rarely", waiters.front().wakes(), in_all(state));
    count_items(state, waiters.size());
}
BENCHMARK(wake)->Name("future_state/make_await_complete")->Arg(1)->Arg(100);

// A waiter that gives up, while so many others wait in front of it.
void give_up(benchmark::State& state) {
    const auto others = static_cast<std::size_t>(state.range());
    auto* future = new ValueFutureState<int>;
    const FutureRef ref(future);
    std::vector<Counting> waiting(others);
    for (Counting& waiter : waiting) (void)future->add_waiter(waiter);
    Counting waiter;
    std::uint64_t removed = 0;
    for ([[maybe_unused]] auto _ : state) {
        (void)future->add_waiter(waiter);
        removed += future->remove_waiter(waiter);
    }
    (void)future->try_set_value(1);
    expect(state, "was not removed", removed, in_all(state));
    expect(state, "was woken", waiter.wakes(), 0U);
    for (const Counting& other : waiting) expect(state, "another was not woken", other.wakes(), 1U);
}
BENCHMARK(give_up)->Name("future_state/add_remove_waiter")->Arg(0)->Arg(100);

// Two threads complete the same futures: one of them wins each.
void claim(benchmark::State& state) {
    std::deque<ValueFutureState<int>*> futures(static_cast<std::size_t>(state.range()));
    std::atomic<std::uint64_t> round{0};
    std::atomic<std::uint64_t> ended{0};
    std::uint64_t lost = 0;
    Rival rival(state, [&, last = std::uint64_t{0}]() mutable {
        if (round.load(std::memory_order_acquire) == last) return false;
        for (ValueFutureState<int>* future : futures) lost += future->try_set_value(2);
        ended.store(++last, std::memory_order_release);
        return true;
    });
    std::uint64_t won = 0;
    std::uint64_t rounds = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (auto& future : futures) future = new ValueFutureState<int>;
        round.store(++rounds, std::memory_order_release);
        for (ValueFutureState<int>* future : futures) won += future->try_set_value(1);
        spin_until([&] { return ended.load(std::memory_order_acquire) == rounds; });
        for (ValueFutureState<int>* future : futures) future->release();
    }
    rival.stop();
    expect(state, "a future had no winner, or two", won + lost, in_all(state, futures.size()));
    count_items(state, futures.size());
    state.counters["lost"] = static_cast<double>(lost) / static_cast<double>(won + lost);
}
BENCHMARK(claim)->Name("future_state/make_complete_rival_too")->Arg(100)->UseRealTime();

}  // namespace
}  // namespace weft::micro
