// StrandClock: what strands are timed by. It has to be cheap, because a strand may be a few nanoseconds long: the
// processor's time stamp counter where that ticks at one rate and never stops, else the steady clock.
//
// Invariant: a strand is opened and closed on one thread, so a clock need only be comparable with itself there; a test
// has one for each thread, which stands still but for what the test says.
//
// Until the first profile() calibrates it the clock stands still, and what is counted by it is never looked at.
//
// Orderings
//   C1 installed: release CAS and store, acquire load    who sees a clock sees it calibrated
#pragma once

#include <cstdint>
#include <limits>

#include "scheduler/atomic.hpp"

namespace weft::sync {

struct StrandClock {
    // Thread: any; compared with readings of the same thread only.
    std::int64_t (*read)() noexcept;
    // Nanoseconds that this thread was on a core: a system call, so only asked about suspicious intervals. Null: never.
    std::int64_t (*read_core_ns)() noexcept;
    double ns_per_tick;
    // What the profiler itself takes in each interval, in ticks: subtracted from every one.
    std::int64_t cost;
    // What a stolen branch is assumed to add to the path through it, in ticks: waking a thief, the theft, the join.
    std::int64_t burden;
    // An interval of so many ticks may have been interrupted: by another thread, for a time slice.
    std::int64_t suspicious;
};

namespace detail {
inline constexpr StrandClock kStandsStill{[]() noexcept -> std::int64_t { return 0; }, nullptr, 1.0, 0, 0,
                                          std::numeric_limits<std::int64_t>::max()};
inline constinit scheduler::Atomic<const StrandClock*> strand_clock{&kStandsStill};
}  // namespace detail

[[nodiscard]] inline const StrandClock& strand_clock() noexcept {
    return *detail::strand_clock.load(std::memory_order_acquire);  // C1
}

// Installs the machine's clock, unless another one is. Cost: 2 ms the first time.
void start_strand_clock();

// Installs `clock`, which is never destroyed, unless another one is.
void offer_strand_clock(const StrandClock& clock) noexcept;

// For tests: installs `clock`, which must outlive its use. Returns the one before. Not while anything is profiled.
const StrandClock& replace_strand_clock(const StrandClock& clock) noexcept;

}  // namespace weft::sync
