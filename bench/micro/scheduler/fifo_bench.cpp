#include "scheduler/fifo.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/item.hpp"

namespace weft::micro {
namespace {

void push_pop(benchmark::State& state) {
    std::vector<Item> items(static_cast<std::size_t>(state.range()));
    scheduler::Fifo fifo;
    for ([[maybe_unused]] auto _ : state) {
        for (Item& item : items) fifo.push(item);
        while (scheduler::Runnable* next = fifo.pop()) next->run();
    }
    expect(state, "an item ran too often or too rarely", items.back().runs(), in_all(state));
    count_items(state, items.size());
}
BENCHMARK(push_pop)->Name("fifo/push_pop_run")->Arg(1)->Arg(1024);

}  // namespace
}  // namespace weft::micro
