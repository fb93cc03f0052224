#include "sync/sleep.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/simulation.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::Duration;
using weft::sleep;
using weft::test::ended;
using weft::test::Reports;
using weft::test::Simulation;
using weft::test::VirtualLoop;

namespace {

Coro<> sleeps(Duration duration) { co_await sleep(duration); }

}  // namespace

TEST_CASE("rule 63: sleep(0) and less cost exactly one turn and no timer") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        for (const Duration duration : std::vector<Duration>{0s, -1s, Duration::min()}) {
            const int turn = loop.turns();
            bool other_ran = false;
            loop.call_soon([&] {
                other_ran = true;
                CHECK(loop.loop().armed_timers() == 0);
            });
            co_await sleep(duration);
            CHECK(other_ran);
            CHECK(loop.turns() == turn + 1);
        }
        CHECK(loop.now() == weft::TimePoint{});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 64: sleep takes its time and gives its value") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        co_await sleep(1500ms);
        CHECK(loop.now().time_since_epoch() == 1500ms);
        const int value = co_await sleep(1s, 42);
        CHECK(value == 42);
        const auto moved = co_await sleep(0s, std::make_unique<int>(7));
        CHECK(*moved == 7);
        CHECK(loop.now().time_since_epoch() == 2500ms);
    };
    loop.run_until_complete(body());
    CHECK(loop.loop().armed_timers() == 0);
}

TEST_CASE("rule 64: a cancelled sleep disarms its timer") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(sleeps(1h));
        const auto b = create_task(sleeps(2h));
        co_await sleep(0s);
        CHECK(loop.loop().armed_timers() == 2);
        a.cancel("enough");
        CHECK(loop.loop().armed_timers() == 1);
        const std::string how = co_await ended(a);
        CHECK(how == "cancelled: enough");
        b.cancel();
        CHECK(loop.loop().armed_timers() == 0);
        const std::string how_b = co_await ended(b);
        CHECK(how_b == "cancelled");
        CHECK(loop.now() == weft::TimePoint{});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 6: equal deadlines wake in the order of creation") {
    VirtualLoop loop;
    std::vector<int> log;
    auto sleeper = [&](int number) -> Coro<> {
        co_await sleep(1s);
        log.push_back(number);
    };
    auto body = [&]() -> Coro<> {
        for (int i = 0; i < 20; ++i) (void)create_task(sleeper(i));
        co_await sleep(1s);
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
    REQUIRE(log.size() == 20);
    for (int i = 0; i < 20; ++i) CHECK(log[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("sleep: sleepers wake in the order of their deadlines") {
    VirtualLoop loop;
    std::vector<int> log;
    auto sleeper = [&](int seconds) -> Coro<> {
        co_await sleep(seconds * 1s);
        log.push_back(seconds);
        CHECK(loop.now().time_since_epoch() == seconds * 1s);
    };
    auto body = [&]() -> Coro<> {
        for (const int seconds : {3, 1, 4, 2, 5}) (void)create_task(sleeper(seconds));
        co_await sleep(6s);
    };
    loop.run_until_complete(body());
    CHECK(log == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("sleep: a duration beyond the clock does not wrap around") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        loop.advance(1h);
        const auto task = create_task(sleeps(Duration::max()));
        co_await sleep(1h);
        CHECK_FALSE(task.done());
        task.cancel();
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled");
    };
    loop.run_until_complete(body());
}

TEST_CASE("sleep: a cancel after the timer fired and before the wake-up wins (rule 78)") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto task = create_task(sleeps(1s));
        co_await sleep(0s);
        loop.advance(2s);
        // Runs in the turn in which the timer is found due, in front of the woken sleeper.
        loop.call_soon([&] { CHECK(task.cancel("late")); });
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled: late");
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("sleep: a loop that closes on sleepers reports and frees them") {
    const Reports reports;
    auto held = std::make_shared<int>(1);
    auto sleeper = [](std::shared_ptr<int>) -> Coro<> {
        co_await sleep(1h);
        FAIL("it woke");
    };
    {
        VirtualLoop loop;
        for (int i = 0; i < 3; ++i) (void)loop.create(sleeper(held));
        loop.turn();
        CHECK(loop.loop().armed_timers() == 3);
    }
    CHECK(held.use_count() == 1);
    CHECK(reports.count("Task was destroyed but it is pending!") == 3);
}

TEST_CASE("sleep: cancelled from another loop, the timer is disarmed by a message") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Simulation simulation(3, seed);
        const auto task = create_task(sleeps(1h), {.loop = &simulation.loop(0)});
        auto canceller = [&]() -> Coro<std::string> {
            co_await sleep(1s);
            CHECK(task.cancel("from afar"));
            co_return co_await ended(task);
        };
        const auto other = create_task(canceller(), {.loop = &simulation.loop(1)});
        simulation.run_until([&] { return other.done() && simulation.loop(0).armed_timers() == 0; });
        CHECK(other.result() == "cancelled: from afar");
        CHECK(simulation.now() < weft::TimePoint(1h));
    }
}
