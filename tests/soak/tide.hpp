// Tide: the rhythm of the load. In a flood all workers run rounds; in the ebb that follows they rest, but for one that runs
// a few rounds alone. A flood makes races likely; in an ebb nothing else moves, so that a wake-up that is lost stays lost
// until the limit on parks ends it, and that is counted. Every fourth flood is calm: loops fall asleep and are woken.
//
//     flood --its time is over, all have come--> ebb: one works --it has come, too--> flood, or the end
//
// Invariant: what the workers read is written by the one that works on, while all others wait for the flood.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "sync/barrier.hpp"
#include "sync/coro.hpp"

namespace weft::soak {

class Tide {
public:
    using Clock = std::chrono::steady_clock;

    Tide(std::size_t workers, Clock::time_point end)
        : end_(end), ebb_(parties(workers), "ebb"), flood_(parties(workers), "flood") {
        begin_flood();
    }

    [[nodiscard]] bool is_flood() const { return Clock::now() < flood_ends_; }
    [[nodiscard]] bool is_calm() const { return floods_ % kCalm == 0; }

    // All have come to rest.
    [[nodiscard]] Coro<std::size_t> wait_for_ebb() { return ebb_.wait(); }

    // By the one that works on, at the end of its work; then it waits as the others do.
    void turn() {
        over_ = Clock::now() >= end_;
        begin_flood();
    }

    // Returns false if the soak is over.
    [[nodiscard]] Coro<bool> wait_for_flood() {
        co_await flood_.wait();
        co_return !over_;
    }

private:
    static constexpr std::chrono::milliseconds kFlood{700};
    static constexpr std::size_t kCalm = 4;

    static std::ptrdiff_t parties(std::size_t workers) { return static_cast<std::ptrdiff_t>(workers); }
    void begin_flood() {
        ++floods_;
        flood_ends_ = std::min(Clock::now() + kFlood, end_);
    }

    const Clock::time_point end_;
    Barrier ebb_;
    Barrier flood_;
    Clock::time_point flood_ends_;
    std::size_t floods_ = 0;
    bool over_ = false;
};

}  // namespace weft::soak
