#include "scheduler/ready_queue.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/item.hpp"
#include "bench/micro/rival.hpp"

namespace weft::micro {
namespace {

using scheduler::ReadyQueue;
using scheduler::Runnable;

// 1: a single one; 200: within the ring; 2000: through the overflow.
void push_pop(benchmark::State& state) {
    std::vector<Item> items(static_cast<std::size_t>(state.range()));
    ReadyQueue queue;
    for ([[maybe_unused]] auto _ : state) {
        for (Item& item : items) queue.push(item);
        while (Runnable* next = queue.pop()) next->run();
    }
    expect(state, "an item ran too often or too rarely", items.back().runs(), in_all(state));
    count_items(state, items.size());
}
BENCHMARK(push_pop)->Name("ready_queue/push_pop_run")->Arg(1)->Arg(200)->Arg(2000);

// The thief's own half of it, without a race.
void steal_half(benchmark::State& state) {
    std::vector<Item> items(static_cast<std::size_t>(state.range()));
    ReadyQueue victim;
    ReadyQueue thief;
    for ([[maybe_unused]] auto _ : state) {
        for (Item& item : items) victim.push(item);
        while (Runnable* oldest = victim.steal(thief)) {
            oldest->run();
            while (Runnable* next = thief.pop()) next->run();
        }
    }
    expect(state, "an item ran too often or too rarely", items.back().runs(), in_all(state));
    count_items(state, items.size());
}
BENCHMARK(steal_half)->Name("ready_queue/push_steal_run")->Arg(200);

// The owner pushes a batch and pops, while a thief takes what it gets; over when all of the batch has come back.
void shared(benchmark::State& state) {
    std::vector<Item> items(static_cast<std::size_t>(state.range()));
    ReadyQueue queue;
    std::atomic<std::uint64_t> stolen{0};
    ReadyQueue own;
    Rival thief(state, [&] {
        if (queue.steal(own) == nullptr) return false;
        std::uint64_t count = 1;
        while (own.pop() != nullptr) ++count;
        stolen.fetch_add(count, std::memory_order_release);
        return true;
    });
    std::uint64_t popped = 0;
    std::uint64_t pushed = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (Item& item : items) queue.push(item);
        pushed += items.size();
        while (queue.pop() != nullptr) ++popped;
        spin_until([&] { return popped + stolen.load(std::memory_order_acquire) == pushed; });
    }
    thief.stop();
    expect(state, "items were lost or doubled", popped + stolen.load(), pushed);
    count_items(state, items.size());
    state.counters["stolen"] = static_cast<double>(stolen.load()) / static_cast<double>(pushed);
}
BENCHMARK(shared)->Name("ready_queue/push_pop_rival_steals")->Arg(200)->UseRealTime();

}  // namespace
}  // namespace weft::micro
