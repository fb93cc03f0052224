#include "scheduler/fork_deque.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/item.hpp"
#include "bench/micro/rival.hpp"

namespace weft::micro {
namespace {

using scheduler::ForkDeque;

// What a branch that nobody steals costs: pushed by the parent, taken back by the sibling.
void push_pop_if(benchmark::State& state) {
    Item branch;
    const auto deque = std::make_unique<ForkDeque>();
    std::uint64_t back = 0;
    for ([[maybe_unused]] auto _ : state) {
        if (deque->push(branch) != ForkDeque::Push::kept) break;
        back += deque->pop_if(branch);
    }
    expect(state, "a branch did not come back", back, in_all(state));
}
BENCHMARK(push_pop_if)->Name("fork_deque/push_pop_if");

void look_in_vain(benchmark::State& state) {
    const auto deque = std::make_unique<ForkDeque>();
    std::uint64_t found = 0;
    for ([[maybe_unused]] auto _ : state) found += deque->steal() != nullptr;
    expect(state, "found something", found, 0U);
}
BENCHMARK(look_in_vain)->Name("fork_deque/steal_in_vain");

// The owner pushes a batch and pops, while a thief is always hungry; over when all of the batch has come back.
void shared(benchmark::State& state) {
    std::vector<Item> branches(static_cast<std::size_t>(state.range()));
    const auto deque = std::make_unique<ForkDeque>();
    std::atomic<std::uint64_t> stolen{0};
    Rival thief(state, [&] {
        if (deque->steal() == nullptr) return false;
        stolen.fetch_add(1, std::memory_order_release);
        return true;
    });
    std::uint64_t popped = 0;
    std::uint64_t pushed = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (Item& branch : branches) pushed += deque->push(branch) != ForkDeque::Push::full;
        while (deque->pop() != nullptr) ++popped;
        spin_until([&] { return popped + stolen.load(std::memory_order_acquire) == pushed; });
    }
    thief.stop();
    expect(state, "branches were lost or doubled", popped + stolen.load(), in_all(state, branches.size()));
    count_items(state, branches.size());
    state.counters["stolen"] = static_cast<double>(stolen.load()) / static_cast<double>(pushed);
}
BENCHMARK(shared)->Name("fork_deque/push_pop_rival_steals")->Arg(200)->UseRealTime();

}  // namespace
}  // namespace weft::micro
