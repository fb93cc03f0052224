#include "sync/lock.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/micro/expect.hpp"
#include "bench/micro/on_loop.hpp"
#include "bench/micro/rival.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"

namespace weft::micro {
namespace {

Coro<> free(benchmark::State& state) {
    Lock lock;
    std::uint64_t count = 0;
    for ([[maybe_unused]] auto _ : state) {
        const LockGuard held = co_await lock.scoped();
        ++count;
    }
    expect(state, "was not acquired", count, in_all(state));
}
BENCHMARK(on_loop<free>)->Name("lock/scoped_free");

// Acquires it once in line, and hands it over.
Coro<> follow(Lock& lock, std::uint64_t& count) {
    const LockGuard held = co_await lock.scoped();
    ++count;
}

// So many tasks come while it is held: each waits, and hands it to the next.
Coro<> hand_over(benchmark::State& state) {
    Lock lock;
    std::vector<Task<>> tasks(static_cast<std::size_t>(state.range()));
    std::uint64_t count = 0;
    for ([[maybe_unused]] auto _ : state) {
        LockGuard held = co_await lock.scoped();
        for (Task<>& task : tasks) task = create_task(follow(lock, count));
        co_await sleep(Duration::zero());
        held.release();
        for (const Task<>& task : tasks) co_await task;
    }
    expect(state, "was not handed over", count, in_all(state, tasks.size()));
    count_items(state, tasks.size());
}
BENCHMARK(on_loop<hand_over>)->Name("lock/spawn_wait_hand_over")->Arg(100);

// Two threads want it at once; who does not get it tries again.
void with_rival(benchmark::State& state) {
    Lock lock;
    std::uint64_t shared = 0;
    std::uint64_t by_rival = 0;
    const auto act = [&lock, &shared] {
        if (!lock.try_acquire()) return false;
        ++shared;
        lock.release();
        return true;
    };
    Rival rival(state, [&] {
        const bool acted = act();
        by_rival += acted;
        return acted;
    });
    std::uint64_t own = 0;
    for ([[maybe_unused]] auto _ : state) {
        spin_until(act);
        ++own;
    }
    rival.stop();
    expect(state, "two held it at once", shared, own + by_rival);
}
BENCHMARK(with_rival)->Name("lock/try_acquire_release_rival_too")->UseRealTime();

}  // namespace
}  // namespace weft::micro
