// Debug mode: slow steps and callbacks are told, with the name of their task.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include "api/loop.hpp"
#include "api/runner.hpp"
#include "scheduler/virtual_parker.hpp"
#include "sync/sleep.hpp"
#include "tests/support/reports.hpp"

using namespace weft;
using namespace std::chrono_literals;

namespace {

// A loop on virtual time, in which work takes as long as it says.
struct Slow {
    Slow() {
        auto made = std::make_unique<scheduler::VirtualParker>();
        parker = made.get();
        loop = std::make_unique<Loop>(std::move(made));
    }
    scheduler::VirtualParker* parker;
    std::unique_ptr<Loop> loop;
};

std::uint_least32_t await_line = 0;

Coro<> works(scheduler::VirtualParker& clock, Duration for_long) {
    await_line = std::source_location::current().line() + 1;
    co_await sleep(1s);
    clock.advance(for_long);
}

}  // namespace

TEST_CASE("debug: a slow step is told with its task's name and last await, a quick one is not") {
    const test::Reports reports;
    const Slow slow;
    slow.loop->set_debug(true);
    CHECK(slow.loop->get_debug());
    CHECK(slow.loop->slow_callback_duration() == 100ms);
    const auto hog = slow.loop->create_task(works(*slow.parker, 123ms), {.name = "hog"});
    const auto quick = slow.loop->create_task(works(*slow.parker, 99ms), {.name = "quick"});
    slow.loop->run_until_complete(hog);
    slow.loop->run_until_complete(quick);
    CHECK(reports.count("Executing <Task name='hog'") == 1);
    CHECK(reports.count("took 0.123 seconds") == 1);
    CHECK(reports.count("last awaiting at ") == 1);
    CHECK(reports.count("debug_test.cpp:" + std::to_string(await_line) + ", in ") == 1);
    CHECK(reports.count("works") == 1);
    CHECK(reports.count("quick") == 0);
}

TEST_CASE("debug: the limit can be set, and slow callbacks and timers are told, too") {
    const test::Reports reports;
    const Slow slow;
    slow.loop->set_debug(true);
    slow.loop->set_slow_callback_duration(2ms);
    slow.loop->call_soon([&slow] { slow.parker->advance(2ms); });
    slow.loop->call_later(1s, [&slow] {
        slow.parker->advance(3ms);
        slow.loop->stop();
    });
    slow.loop->run_forever();
    CHECK(reports.count("Executing <Handle> took 0.002 seconds") == 1);
    CHECK(reports.count("Executing <TimerHandle> took 0.003 seconds") == 1);
}

TEST_CASE("debug: without it nothing is timed") {
    const test::Reports reports;
    const Slow slow;
    slow.loop->set_debug(false);
    slow.loop->run_until_complete(works(*slow.parker, 10s));
    CHECK(reports.all().empty());
}

TEST_CASE("debug: RunOptions switch it on for every loop") {
    const auto is_on = []() -> Coro<bool> {
        bool all = true;
        for (const Loop* loop : get_loops()) all = all && loop->get_debug();
        co_return all;
    };
    CHECK(run(is_on(), {.loops = 2, .debug = true}));
}
