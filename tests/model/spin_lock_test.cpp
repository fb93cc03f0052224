// SpinLock under the explorer: one holder at a time, what it wrote reaches the next, and both orders are needed.
#include "scheduler/spin_lock.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <mutex>
#include <vector>

#include "tests/model/orders.hpp"

using weft::model::Cell;
using weft::model::explore;
using weft::model::kUnbounded;
using weft::model::Mutant;
using weft::model::Report;
using weft::model::require;
using weft::model::together;
using weft::model::weaken_each;
using weft::scheduler::SpinLock;

namespace {

// Each thread counts once under the lock.
template <int kThreads>
void count_under_lock() {
    SpinLock lock;
    Cell<int> count{0};
    const auto add = [&] {
        const std::lock_guard guard(lock);
        count.set(count.get() + 1);
    };
    together(std::vector<std::function<void()>>(kThreads, add));
    require(count.get() == kThreads, "each counted once");
}

}  // namespace

TEST_CASE("spin lock: two threads, every execution") {
    const Report report = explore({.preemptions = kUnbounded}, count_under_lock<2>);
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.complete);
}

TEST_CASE("spin lock: three threads, three preemptions") {
    const Report report = explore({.preemptions = 3}, count_under_lock<3>);
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.complete);
}

TEST_CASE("spin lock: each of its orders is needed") {
    const auto mutants = weaken_each("scheduler/", {.preemptions = 3}, {count_under_lock<3>});
    CHECK(mutants.size() == 3);  // S1: two exchanges and the store
    for (const Mutant& mutant : mutants) {
        CAPTURE(mutant.text);
        CHECK(mutant.report.failure.starts_with("data race"));
    }
}
