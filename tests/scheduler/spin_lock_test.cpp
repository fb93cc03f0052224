// SpinLock: one holder at a time, what it wrote reaches the next.
#include "scheduler/spin_lock.hpp"

#include <doctest/doctest.h>

#include <mutex>

#include "tests/support/together.hpp"

using weft::scheduler::SpinLock;
using weft::test::together;

TEST_CASE("spin lock: three threads count under it") {
    constexpr int kTimes = 50'000;
    SpinLock lock;
    int count = 0;
    const auto counts = [&] {
        for (int i = 0; i < kTimes; ++i) {
            const std::lock_guard guard(lock);
            ++count;
        }
    };
    together({counts, counts, counts});
    CHECK(count == 3 * kTimes);
}
