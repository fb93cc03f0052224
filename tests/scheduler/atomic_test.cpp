// LoneAtomic: the same results with and without the lock prefix, and none lost when threads come.
#include "scheduler/atomic.hpp"

#include <doctest/doctest.h>

#include <cstdint>

#include "tests/support/together.hpp"

using weft::scheduler::LoneAtomic;
using weft::test::together;

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

TEST_CASE("lone atomic: every read-modify-write gives the old value and leaves the new one") {
    LoneAtomic<std::uint32_t> word{6};
    CHECK(word.fetch_add(4, kRelaxed) == 6);
    CHECK(word.fetch_sub(2, kRelaxed) == 10);
    CHECK(word.fetch_or(3, kRelaxed) == 8);
    CHECK(word.fetch_and(9, kRelaxed) == 11);
    CHECK(word.exchange(7, kRelaxed) == 9);
    std::uint32_t expected = 5;
    CHECK_FALSE(word.compare_exchange_strong(expected, 1, kRelaxed, kRelaxed));
    CHECK(expected == 7);
    CHECK(word.compare_exchange_strong(expected, 1, kRelaxed, kRelaxed));
    expected = 2;
    CHECK_FALSE(word.compare_exchange_weak(expected, 3, kRelaxed, kRelaxed));
    CHECK(expected == 1);
    while (!word.compare_exchange_weak(expected, 3, kRelaxed, kRelaxed)) CHECK(expected == 1);
    CHECK(word.load(kRelaxed) == 3);
}

TEST_CASE("lone atomic: with threads nothing is lost") {
    constexpr std::uint32_t kTimes = 50'000;
    LoneAtomic<std::uint32_t> added{0};
    LoneAtomic<std::uint32_t> exchanged{0};
    const auto counts = [&] {
        for (std::uint32_t i = 0; i < kTimes; ++i) {
            added.fetch_add(1, kRelaxed);
            std::uint32_t old = exchanged.load(kRelaxed);
            while (!exchanged.compare_exchange_weak(old, old + 1, kRelaxed, kRelaxed)) {
            }
        }
    };
    together({counts, counts, counts});
    CHECK(added.load(kRelaxed) == 3 * kTimes);
    CHECK(exchanged.load(kRelaxed) == 3 * kTimes);
}
