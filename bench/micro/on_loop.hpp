// on_loop: a measurement that is a coroutine, run as the task of a loop by itself: BENCHMARK(on_loop<spawn>).
#pragma once

#include <benchmark/benchmark.h>

#include <memory>

#include "scheduler/condvar_parker.hpp"
#include "scheduler/loop.hpp"
#include "sync/coro.hpp"
#include "sync/task.hpp"

namespace weft::micro {

template <Coro<> (*kMeasurement)(benchmark::State&)>
void on_loop(benchmark::State& state) {
    scheduler::Loop loop(std::make_unique<scheduler::CondvarParker>());
    const auto task = create_task(kMeasurement(state), {.loop = &loop});
    while (!task.done()) loop.step();
    task.state().check();
}

}  // namespace weft::micro
