// The executor as a program meets it: run_in_executor of a loop, and what run() and Runtime do with it at the end.
#include <doctest/doctest.h>

#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "api/loop.hpp"
#include "api/runner.hpp"
#include "api/runtime.hpp"
#include "sync/cpu_executor.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/reports.hpp"

using weft::Coro;
using weft::Future;
using weft::get_running_loop;
using weft::Loop;
using weft::Runtime;
using weft::to_thread;
using weft::test::ManualExecutor;
using weft::test::Reports;
using weft::test::thrown_by;

TEST_CASE("rule 220: a loop runs blocking functions on its default pool") {
    auto body = []() -> Coro<std::string> {
        Loop& loop = get_running_loop();
        const std::thread::id here = std::this_thread::get_id();
        const Future<std::thread::id> elsewhere =
            loop.run_in_executor(nullptr, [] { return std::this_thread::get_id(); });
        const std::thread::id there = co_await elsewhere;
        CHECK(there != here);
        const std::string joined =
            co_await loop.run_in_executor(nullptr, [](std::string a, int b) { return a + std::to_string(b); }, "a", 1);
        co_return joined;
    };
    CHECK(weft::run(body(), {.loops = 1}) == "a1");
    CHECK(weft::run(body(), {.loops = 3}) == "a1");
}

TEST_CASE("rules 220 and 222: a loop's executor is the program's choice; shut down, only a named one is left") {
    ManualExecutor executor;
    auto body = [&]() -> Coro<> {
        Loop& loop = get_running_loop();
        loop.set_default_executor(&executor);
        const Future<int> chosen = loop.run_in_executor(nullptr, [] { return 1; });
        CHECK(executor.waiting() == 1);
        executor.run_one();
        const int one = co_await chosen;
        CHECK(one == 1);
        co_await loop.shutdown_default_executor();
        CHECK(thrown_by([&] { return loop.run_in_executor(nullptr, [] {}); }) ==
              "error: Executor shutdown has been called");
        const Future<int> named = loop.run_in_executor(&executor, [] { return 2; });
        executor.run_one();
        const int two = co_await named;
        CHECK(two == 2);
    };
    weft::run(body(), {.loops = 2});
}

TEST_CASE("rule 19: run_in_executor of a closed loop is refused") {
    Loop loop;
    loop.close();
    auto held = std::make_shared<int>(1);
    CHECK(thrown_by([&] { return loop.run_in_executor(nullptr, [held] {}); }) == "error: Event loop is closed");
    CHECK(held.use_count() == 1);
}

TEST_CASE("rule 201: run() ends after the jobs that it left behind") {
    for (const int loops : {1, 2}) {
        std::latch started(1);
        std::latch gate(1);
        bool ended = false;
        std::jthread opener;
        auto body = [&]() -> Coro<> {
            auto job = [&] {
                started.count_down();
                gate.wait();
                ended = true;
            };
            auto waits = [](Future<> future) -> Coro<> { co_await future; };
            (void)weft::create_task(waits(to_thread(job)));  // cancelled at the end; the job runs on
            started.wait();
            opener = std::jthread([&] { gate.count_down(); });
            co_return;
        };
        weft::run(body(), {.loops = loops});
        CHECK(ended);
    }
}

TEST_CASE("rule 201: a Runtime that stops waits for its jobs, too") {
    std::latch gate(1);
    bool ended = false;
    std::jthread opener;
    Runtime runtime({.loops = 2});
    auto body = [&]() -> Coro<> {
        const Future<> left = to_thread([&] {
            gate.wait();
            ended = true;
        });
        co_return;
    };
    runtime.run(body());
    opener = std::jthread([&] { gate.count_down(); });
    runtime.stop();
    CHECK(ended);
}

TEST_CASE("run_in_executor: computations go to the CPU executor, which oneTBB runs") {
    auto body = []() -> Coro<int> {
        Loop& loop = get_running_loop();
        int sum = 0;
        for (int i = 0; i < 10; ++i) {
            const Future<int> square = loop.run_in_executor(weft::cpu_executor(), [](int n) { return n * n; }, i);
            sum += co_await square;
        }
        co_return sum;
    };
    CHECK(weft::run(body(), {.loops = 2}) == 285);
}
