// Barrier: so many tasks wait for each other, round after round. Rules 235 to 237.
//
//     filling --the last one arrives--> draining --all have left--> filling
//        | '--reset() with tasks in it--> resetting --all have left--> filling
//        '--abort()--> broken --reset()--> filling
//
// Invariant: the state changes with the condition's lock held; other threads may look. Who arrives while a round drains
// waits for the next.
// Source: asyncio's, as it stands: tasks on several loops are kept apart by the condition's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "scheduler/atomic.hpp"
#include "sync/condition.hpp"
#include "sync/coro.hpp"

namespace weft {

class BrokenBarrierError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Barrier {
public:
    // Throws std::invalid_argument if `parties` is less than 1. `name` is for reports.
    explicit Barrier(std::ptrdiff_t parties, std::string_view name = {});

    // Returns, when awaited, the index of the arrival, from 0, once all parties have arrived. Throws BrokenBarrierError.
    // Cancel: the count of those that wait goes down. Thread: a task's. Cost: three coroutines' frames.
    [[nodiscard]] Coro<std::size_t> wait();

    // Empty again, and no longer broken; those that wait get BrokenBarrierError. Thread: a task's.
    [[nodiscard]] Coro<> reset();

    // Broken until reset(): those that wait, and all that come, get BrokenBarrierError. Thread: a task's.
    [[nodiscard]] Coro<> abort();

    // Thread: any.
    [[nodiscard]] std::size_t parties() const noexcept { return parties_; }
    [[nodiscard]] std::size_t n_waiting() const noexcept {
        return state() == State::filling ? count_.load(std::memory_order_relaxed) : 0;
    }
    [[nodiscard]] bool broken() const noexcept { return state() == State::broken; }

private:
    enum class State : std::uint8_t { filling, draining, resetting, broken };
    class Inside;

    [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_relaxed); }
    void change(State next) noexcept;

    const std::size_t parties_;
    // Changed with the condition's lock held.
    scheduler::Atomic<State> state_{State::filling};
    scheduler::Atomic<std::size_t> count_{0};
    Condition condition_;
};

}  // namespace weft
