// async_generator as a program meets it: what run() and Runtime do at the end with those that are left.
#include "sync/async_generator.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/loop.hpp"
#include "api/runner.hpp"
#include "api/runtime.hpp"
#include "sync/sleep.hpp"
#include "tests/support/reports.hpp"

using namespace std::chrono_literals;
using weft::async_generator;
using weft::Coro;
using weft::GeneratorExit;
using weft::get_running_loop;
using weft::test::Reports;

using Log = std::vector<std::string>;

namespace {

// Its end needs a thread.
async_generator<int> with_blocking_cleanup(Log& log) {
    bool exits = false;
    try {
        for (int i = 0;; ++i) co_yield i;
    } catch (const GeneratorExit&) {
        exits = true;
    }
    if (exits) {
        const std::thread::id there = co_await weft::to_thread([] { return std::this_thread::get_id(); });
        log.emplace_back(there == std::this_thread::get_id() ? "cleaned here" : "cleaned");
    }
}

Coro<int> ask(async_generator<int>& generator) {
    const std::optional<int> value = co_await generator.next();
    co_return value.value_or(-1);
}

}  // namespace

TEST_CASE("rule 201: run() cancels tasks, then closes generators, then ends the executor, which they may use") {
    const Reports reports;
    for (const int loops : {1, 3}) {
        Log log;
        std::optional<async_generator<int>> kept = with_blocking_cleanup(log);
        auto left = [&]() -> Coro<> {
            try {
                co_await weft::sleep(1h);
            } catch (const weft::CancelledError&) {
                log.emplace_back("cancelled");
            }
        };
        auto body = [&]() -> Coro<int> {
            (void)weft::create_task(left());
            co_await weft::sleep(0s);
            co_return co_await ask(*kept);
        };
        CHECK(weft::run(body(), {.loops = loops}) == 0);
        CHECK(log.back() == "cleaned");
        CHECK((log.size() == 1 || log == Log{"cancelled", "cleaned"}));  // with many loops it may not have begun
        CHECK(weft::run(ask(*kept), {.loops = loops}) == -1);
    }
    CHECK(reports.all().empty());
}

TEST_CASE("rule 201: a Runtime that stops closes its generators, too") {
    const Reports reports;
    Log log;
    async_generator<int> kept = with_blocking_cleanup(log);
    weft::Runtime runtime({.loops = 2});
    CHECK(runtime.run(ask(kept)) == 0);
    runtime.stop();
    CHECK(log == Log{"cleaned"});
    CHECK(reports.all().empty());
}

TEST_CASE("rule 201: a loop closes its generators when it is asked") {
    Log log;
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = with_blocking_cleanup(log);
        const int zero = co_await ask(generator);
        CHECK(zero == 0);
        co_await get_running_loop().shutdown_asyncgens();
        CHECK(log == Log{"cleaned"});
        const int end = co_await ask(generator);
        CHECK(end == -1);
    };
    weft::run(body(), {.loops = 1});
}
