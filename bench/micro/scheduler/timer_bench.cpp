#include "scheduler/timer.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "bench/micro/expect.hpp"

namespace weft::micro {
namespace {

using namespace std::chrono_literals;

class Counting final : public scheduler::Timer {
public:
    void fire() noexcept override { ++fired_; }
    void discard() noexcept override {}

    [[nodiscard]] std::uint64_t fired() const { return fired_; }

private:
    std::uint64_t fired_ = 0;
};

// A deadline of no particular order among `n`.
TimePoint deadline(std::size_t i) { return TimePoint(1s + std::chrono::nanoseconds(i * 7919 % 100'003)); }

// A timeout that is not needed: armed and disarmed while so many others are armed.
void arm_disarm(benchmark::State& state) {
    const auto others = static_cast<std::size_t>(state.range());
    std::deque<Counting> armed(others);
    scheduler::TimerQueue queue;
    for (std::size_t i = 0; i < others; ++i) queue.arm(armed[i], deadline(i));
    Counting timer;
    std::uint64_t disarmed = 0;
    std::size_t i = 0;
    for ([[maybe_unused]] auto _ : state) {
        queue.arm(timer, deadline(++i));
        disarmed += queue.disarm(timer);
    }
    expect(state, "was not armed", disarmed, in_all(state));
    expect(state, "others were touched", queue.size(), others);
    queue.discard_all();
}
BENCHMARK(arm_disarm)->Name("timer/arm_disarm")->Arg(0)->Arg(1000)->Arg(100'000);

void arm_fire(benchmark::State& state) {
    std::deque<Counting> timers(static_cast<std::size_t>(state.range()));
    scheduler::TimerQueue queue;
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < timers.size(); ++i) queue.arm(timers[i], deadline(i));
        queue.fire_due(TimePoint(2s));
    }
    expect(state, "a timer fired too often or too rarely", timers.back().fired(), in_all(state));
    expect(state, "a timer is left", queue.size(), 0U);
    count_items(state, timers.size());
}
BENCHMARK(arm_fire)->Name("timer/arm_fire")->Arg(1)->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace weft::micro
