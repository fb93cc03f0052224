#include "scheduler/inbox.hpp"

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

using scheduler::Fifo;
using scheduler::Inbox;

void push_take(benchmark::State& state) {
    std::vector<Item> items(static_cast<std::size_t>(state.range()));
    Inbox inbox;
    Fifo taken;
    std::uint64_t sent = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (Item& item : items) sent += inbox.push(item) == Inbox::Push::sent;
        inbox.take_all(taken);
        while (scheduler::Runnable* next = taken.pop()) next->run();
    }
    expect(state, "refused", sent, in_all(state, items.size()));
    expect(state, "an item ran too often or too rarely", items.back().runs(), in_all(state));
    count_items(state, items.size());
}
BENCHMARK(push_take)->Name("inbox/push_take_run")->Arg(1)->Arg(64);

void look_in_vain(benchmark::State& state) {
    Inbox inbox;
    Fifo taken;
    std::uint64_t found = 0;
    for ([[maybe_unused]] auto _ : state) found += inbox.take_all(taken);
    expect(state, "found something", found, 0U);
}
BENCHMARK(look_in_vain)->Name("inbox/take_in_vain");

// Another thread sends a batch, the next when the owner has all of it.
void receive(benchmark::State& state) {
    std::vector<Item> items(static_cast<std::size_t>(state.range()));
    Inbox inbox;
    std::atomic<std::uint64_t> received{0};
    Rival sender(state, [&, sent = std::uint64_t{0}]() mutable {
        if (received.load(std::memory_order_acquire) != sent) return false;
        for (Item& item : items) sent += inbox.push(item) == Inbox::Push::sent;
        return true;
    });
    Fifo taken;
    std::uint64_t count = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (const std::uint64_t until = count + items.size(); count != until;) {
            spin_until([&] { return inbox.take_all(taken); });
            while (scheduler::Runnable* next = taken.pop()) {
                next->run();
                ++count;
            }
        }
        received.store(count, std::memory_order_release);
    }
    sender.stop();
    expect(state, "an item ran too often or too rarely", items.back().runs(), in_all(state));
    count_items(state, items.size());
}
BENCHMARK(receive)->Name("inbox/take_run_rival_pushes")->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace weft::micro
