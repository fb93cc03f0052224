// StrandTime: while it lives, strands take the time that the test says: each thread has a clock that stands still but
// for spend(). So work and span are exact, on real threads too.
#pragma once

#include <cstdint>

#include "sync/strand_clock.hpp"

namespace weft::test {

class StrandTime {
public:
    static constexpr std::int64_t kBurden = 1000;
    static constexpr std::int64_t kSuspicious = 1'000'000;

    // `cost`: what the profiler is to believe that it takes itself.
    explicit StrandTime(double ns_per_tick = 1.0, std::int64_t cost = 0)
        : clock_{&now, &core, ns_per_tick, cost, kBurden, kSuspicious}, before_(sync::replace_strand_clock(clock_)) {}
    StrandTime(const StrandTime&) = delete;
    StrandTime& operator=(const StrandTime&) = delete;
    ~StrandTime() { sync::replace_strand_clock(before_); }

private:
    friend void spend(std::int64_t ticks) noexcept;
    friend void be_off_core(std::int64_t ticks) noexcept;

    static std::int64_t now() noexcept { return now_; }

    static std::int64_t core() noexcept { return core_; }

    static inline thread_local constinit std::int64_t now_ = 0;
    static inline thread_local constinit std::int64_t core_ = 0;

    const sync::StrandClock clock_;
    const sync::StrandClock& before_;
};

// The running strand takes so long.
inline void spend(std::int64_t ticks) noexcept {
    StrandTime::now_ += ticks;
    StrandTime::core_ += ticks;
}

// Another thread has the running strand's core for so long.
inline void be_off_core(std::int64_t ticks) noexcept { StrandTime::now_ += ticks; }

}  // namespace weft::test
