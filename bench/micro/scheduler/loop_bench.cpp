#include "scheduler/loop.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/item.hpp"
#include "bench/micro/rival.hpp"
#include "scheduler/condvar_parker.hpp"

namespace weft::micro {
namespace {

using scheduler::Loop;

// A turn with so much to run; with 1 it is the turn itself.
void turn(benchmark::State& state) {
    std::vector<Item> items(static_cast<std::size_t>(state.range()));
    Loop loop(std::make_unique<scheduler::CondvarParker>());
    for ([[maybe_unused]] auto _ : state) {
        for (Item& item : items) loop.push_pinned(item);
        loop.step();
    }
    expect(state, "an item ran too often or too rarely", items.back().runs(), in_all(state));
    count_items(state, items.size());
}
BENCHMARK(turn)->Name("loop/push_turn")->Arg(1)->Arg(64);

// What another thread sends, while the loop sleeps or is about to: the next when the last has run.
void post(benchmark::State& state) {
    Loop loop(std::make_unique<scheduler::CondvarParker>());
    Item item;
    std::atomic<std::uint64_t> run{0};
    std::atomic<std::uint64_t> wanted{0};
    Rival sender(state, [&, sent = std::uint64_t{0}]() mutable {
        if (sent == wanted.load(std::memory_order_acquire) || run.load(std::memory_order_acquire) != sent) return false;
        sent += loop.post(item) == scheduler::Sent::sent;
        return true;
    });
    for ([[maybe_unused]] auto _ : state) {
        const std::uint64_t until = wanted.load(std::memory_order_relaxed) + 1;
        wanted.store(until, std::memory_order_release);
        while (item.runs() != until) loop.step();
        run.store(until, std::memory_order_release);
    }
    sender.stop();
    expect(state, "an item ran too often or too rarely", item.runs(), in_all(state));
}
BENCHMARK(post)->Name("loop/park_wake_turn_rival_posts")->UseRealTime();

}  // namespace
}  // namespace weft::micro
