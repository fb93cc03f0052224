#include "sync/strand_clock.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>

#include "sync/strand.hpp"

#ifdef __x86_64__
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace weft::sync {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// A round figure for a wake-up and a theft across cores.
constexpr double kBurdenNs = 5000;
// Less than any time slice; the question takes a hundredth of it.
constexpr double kSuspiciousNs = 20'000;

std::int64_t steady_ns() noexcept {
    return std::chrono::duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

std::int64_t core_ns() noexcept {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

#ifdef __x86_64__
std::int64_t cycles() noexcept { return static_cast<std::int64_t>(__rdtsc()); }

bool has_invariant_cycles() noexcept {
    unsigned int a = 0;
    unsigned int b = 0;
    unsigned int c = 0;
    unsigned int d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;
}

struct Instant {
    std::int64_t cycles;
    std::int64_t ns;
};

// Both clocks at the same moment: of several tries the one that nothing came between.
Instant both_clocks() noexcept {
    Instant best{};
    std::int64_t closest = std::numeric_limits<std::int64_t>::max();
    for (int i = 0; i < 32; ++i) {
        const std::int64_t before = cycles();
        const std::int64_t ns = steady_ns();
        const std::int64_t after = cycles();
        if (after - before >= closest) continue;
        closest = after - before;
        best = {before + closest / 2, ns};
    }
    return best;
}

double measure_ns_per_cycle() noexcept {
    constexpr std::int64_t kLongEnough = 2'000'000;
    const Instant begin = both_clocks();
    while (steady_ns() - begin.ns < kLongEnough) {
    }
    const Instant end = both_clocks();
    return static_cast<double>(end.ns - begin.ns) / static_cast<double>(end.cycles - begin.cycles);
}
#endif

// What an empty strand comes to, in the least disturbed of several batches.
std::int64_t measure_cost(const StrandClock& clock) noexcept {
    constexpr int kBatches = 64;
    constexpr int kPairs = 128;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (int batch = 0; batch < kBatches; ++batch) {
        Tally one;
        Tally other;
        Strand strand;
        strand.open(&one, clock);
        for (int i = 0; i < kPairs; ++i) {
            strand.switch_to(other, clock);
            strand.switch_to(one, clock);
        }
        least = std::min(least, one.work + other.work);
    }
    return least / (2 * kPairs);
}

StrandClock calibrate() noexcept {
    StrandClock clock = detail::kStandsStill;
    clock.read = &steady_ns;
#ifdef __x86_64__
    if (has_invariant_cycles()) {
        clock.read = &cycles;
        clock.ns_per_tick = measure_ns_per_cycle();
    }
#endif
    clock.cost = measure_cost(clock);
    clock.burden = std::llround(kBurdenNs / clock.ns_per_tick);
    clock.suspicious = std::llround(kSuspiciousNs / clock.ns_per_tick);
    clock.read_core_ns = &core_ns;
    return clock;
}

}  // namespace

void start_strand_clock() {
    static const StrandClock machines = calibrate();
    offer_strand_clock(machines);
}

void offer_strand_clock(const StrandClock& clock) noexcept {
    const StrandClock* none = &detail::kStandsStill;
    (void)detail::strand_clock.compare_exchange_strong(none, &clock, std::memory_order_release,  // C1
                                                       std::memory_order_relaxed);
}

const StrandClock& replace_strand_clock(const StrandClock& clock) noexcept {
    const StrandClock& before = strand_clock();
    detail::strand_clock.store(&clock, std::memory_order_release);  // C1
    return before;
}

}  // namespace weft::sync
