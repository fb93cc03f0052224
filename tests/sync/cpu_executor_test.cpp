// cpu_executor: computations beside the loops, on oneTBB's threads.
#include "sync/cpu_executor.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sync/run_in_executor.hpp"
#include "tests/support/countdown.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"

using weft::Coro;
using weft::cpu_executor;
using weft::Future;
using weft::sync::ContextSlot;
using weft::sync::start_job;
using weft::test::Countdown;
using weft::test::ended;
using weft::test::eventually;
using weft::test::Group;
using weft::test::Reports;
using weft::test::together;

TEST_CASE("cpu_executor: it computes on threads of its own, which take no signals") {
    CHECK(cpu_executor() == cpu_executor());
    const Group group(1);
    auto body = []() -> Coro<> {
        weft::scheduler::Loop& loop = weft::sync::require_loop();
        const Future<std::thread::id> where =
            start_job(loop, ContextSlot(), cpu_executor(), [] { return std::this_thread::get_id(); });
        const std::thread::id there = co_await where;
        CHECK(there != std::this_thread::get_id());
        const Future<bool> blocks = start_job(loop, ContextSlot(), cpu_executor(), [] {
            sigset_t mask;
            pthread_sigmask(SIG_BLOCK, nullptr, &mask);
            return sigismember(&mask, SIGINT) == 1;
        });
        const bool blocked = co_await blocks;
        CHECK(blocked);
        const Future<int> fails =
            start_job(loop, ContextSlot(), cpu_executor(), []() -> int { throw std::runtime_error("boom"); });
        const std::string how = co_await ended(fails);
        CHECK(how == "error: boom");
    };
    group.run(body());
}

TEST_CASE("cpu_executor: every job runs once, whoever submits; what a plain one throws is reported") {
    constexpr int kJobs = 3000;
    const Reports reports;
    Countdown left(std::int64_t{2} * kJobs);
    const auto submit = [&] {
        for (int i = 0; i < kJobs; ++i) cpu_executor()->submit([&] { left.count_down(); });
    };
    together({submit, submit});
    CHECK(left.wait());
    cpu_executor()->submit([] { throw std::runtime_error("boom"); });
    CHECK(
        eventually([&] { return reports.count("Exception in a job of the CPU executor | std::runtime_error") == 1; }));
}

TEST_CASE("cpu_executor: results are handed over whole, from many loops") {
    const Group group(2);
    auto sum = [](std::vector<int> numbers) {
        int total = 0;
        for (const int number : numbers) total += number;
        numbers.assign(1, total);
        return numbers;
    };
    auto body = [&](int n) -> Coro<int> {
        int all = 0;
        for (int i = 0; i < 100; ++i) {
            const std::vector<int> numbers(100, n);
            const Future<std::vector<int>> future =
                start_job(weft::sync::require_loop(), ContextSlot(), cpu_executor(), sum, numbers);
            const std::vector<int> total = co_await future;
            all += total.at(0);
        }
        co_return all;
    };
    const auto one = run_coroutine_threadsafe(body(1), group.loop(0));
    const auto two = run_coroutine_threadsafe(body(2), group.loop(1));
    CHECK(one.result(std::chrono::seconds(60)) == 10'000);
    CHECK(two.result(std::chrono::seconds(60)) == 20'000);
    CHECK(group.rescues() == 0);
}
