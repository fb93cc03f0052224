#include "scheduler/frame_pool.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/rival.hpp"

namespace weft::micro {
namespace {

using scheduler::FrameDepot;
using scheduler::FramePool;

constexpr std::size_t kFrame = 200;

// 1: a frame at a time; 200: within what a pool keeps; 2000: through the depot.
void allocate_free(benchmark::State& state) {
    std::vector<void*> blocks(static_cast<std::size_t>(state.range()));
    FrameDepot depot;
    FramePool pool(depot);
    std::uint64_t got = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (void*& block : blocks) {
            block = pool.allocate(kFrame);
            benchmark::DoNotOptimize(block);
        }
        got += blocks.back() != nullptr;
        for (void* block : blocks) pool.deallocate(block, kFrame);
    }
    expect(state, "no memory", got, in_all(state));
    count_items(state, blocks.size());
}
BENCHMARK(allocate_free)->Name("frame_pool/allocate_free")->Arg(1)->Arg(200)->Arg(2000);

// What it is instead of.
void operator_new(benchmark::State& state) {
    std::vector<void*> blocks(static_cast<std::size_t>(state.range()));
    std::uint64_t got = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (void*& block : blocks) {
            block = ::operator new(kFrame);
            benchmark::DoNotOptimize(block);
        }
        got += blocks.back() != nullptr;
        for (void* block : blocks) ::operator delete(block);
    }
    expect(state, "no memory", got, in_all(state));
    count_items(state, blocks.size());
}
BENCHMARK(operator_new)->Name("frame_pool/operator_new")->Arg(1)->Arg(200)->Arg(2000);

// One loop allocates what another one frees: the surplus comes back through the depot.
void freed_elsewhere(benchmark::State& state) {
    std::vector<void*> blocks(static_cast<std::size_t>(state.range()));
    FrameDepot depot;
    FramePool pool(depot);
    std::atomic<bool> full{false};
    std::uint64_t freed = 0;
    FramePool own(depot);
    Rival other(state, [&] {
        if (!full.load(std::memory_order_acquire)) return false;
        for (void* block : blocks) own.deallocate(block, kFrame);
        freed += blocks.size();
        full.store(false, std::memory_order_release);
        return true;
    });
    for ([[maybe_unused]] auto _ : state) {
        for (void*& block : blocks) block = pool.allocate(kFrame);
        full.store(true, std::memory_order_release);
        spin_until([&] { return !full.load(std::memory_order_acquire); });
    }
    other.stop();
    expect(state, "blocks were lost", freed, in_all(state, blocks.size()));
    count_items(state, blocks.size());
}
BENCHMARK(freed_elsewhere)->Name("frame_pool/allocate_rival_frees")->Arg(200)->Arg(2000)->UseRealTime();

}  // namespace
}  // namespace weft::micro
