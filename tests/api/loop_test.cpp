// weft::Loop by itself: callbacks, timers, run_until_complete, closing. What many loops do together is in
// runtime_test.cpp. Numbers of rules are asyncio's, as the library's comments cite them.
#include "api/loop.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/runtime.hpp"
#include "scheduler/virtual_parker.hpp"
#include "sync/context_var.hpp"
#include "sync/gather.hpp"
#include "sync/sleep.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"
#include "tests/support/virtual_run.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::Handle;
using weft::Loop;
using weft::TimerHandle;
using weft::test::Reports;

namespace {

using Log = std::vector<int>;

// Runs what is ready: one full turn, as a stop() before run_forever() makes.
void turn(Loop& loop) {
    loop.stop();
    loop.run_forever();
}

Coro<int> give(int value) { co_return value; }

Coro<int> give_later(int value, weft::Duration delay) {
    co_await weft::sleep(delay);
    co_return value;
}

Coro<> wait_for_ever() { co_await weft::create_future<>(); }

// Tells when its frame is destroyed.
Coro<> hold(std::shared_ptr<int> held) {
    co_await wait_for_ever();
    ++*held;
}

}  // namespace

TEST_CASE("rules 1 and 2: call_soon runs callbacks in order, each in the turn after it was queued") {
    const auto loop = weft::new_event_loop();
    Log log;
    loop->call_soon([&] {
        log.push_back(1);
        loop->call_soon([&] { log.push_back(4); });
    });
    loop->call_soon([&] { log.push_back(2); });
    loop->call_soon([&] { log.push_back(3); });
    CHECK(log.empty());
    turn(*loop);
    CHECK(log == Log{1, 2, 3});
    turn(*loop);
    CHECK(log == Log{1, 2, 3, 4});
}

TEST_CASE("rules 13 and 14: stop lets the batch finish, and what it queued waits for the next run") {
    Loop loop;
    Log log;
    loop.call_soon([&] { loop.stop(); });
    loop.call_soon([&] {
        log.push_back(1);
        loop.call_soon([&] { log.push_back(2); });
    });
    loop.run_forever();
    CHECK(log == Log{1});
    CHECK_FALSE(loop.is_running());
    turn(loop);
    CHECK(log == Log{1, 2});
}

TEST_CASE("rule 6: timers run by deadline, equal ones in order of creation") {
    Loop loop;
    Log log;
    const weft::TimePoint start = loop.time();
    loop.call_at(start + 4ms, [&] { loop.stop(); });
    loop.call_at(start + 3ms, [&] { log.push_back(4); });
    loop.call_at(start + 1ms, [&] { log.push_back(1); });
    loop.call_at(start + 2ms, [&] { log.push_back(2); });
    loop.call_at(start + 2ms, [&] { log.push_back(3); });
    loop.run_forever();
    CHECK(log == Log{1, 2, 3, 4});
    CHECK(loop.time() >= start + 4ms);
}

TEST_CASE("rule 5: a timer that is due at once runs after everything that was ready") {
    Loop loop;
    Log log;
    SUBCASE("no delay") {
        loop.call_later(0ms, [&] { log.push_back(2); });
    }
    SUBCASE("a negative delay counts as none") {
        loop.call_later(-1h, [&] { log.push_back(2); });
    }
    SUBCASE("a deadline that has passed") {
        loop.call_at(loop.time() - 1h, [&] { log.push_back(2); });
    }
    loop.call_soon([&] { log.push_back(1); });
    turn(loop);
    CHECK(log == Log{1, 2});
}

TEST_CASE("a done callback may be added before its loop runs; outside of loops only a future of a loop takes one") {
    Loop loop;
    Log log;
    const auto future = loop.create_future<int>();
    future.add_done_callback([&](const auto& done) { log.push_back(done.result()); });
    const auto task = loop.create_task(give(2));
    task.add_done_callback([&](const auto& done) { log.push_back(done.result()); });
    future.set_result(1);
    CHECK(log.empty());
    turn(loop);
    turn(loop);
    CHECK(log == Log{1, 2});
    CHECK_THROWS_AS(weft::create_future<int>().add_done_callback([](const auto&) {}), std::runtime_error);
}

TEST_CASE("rule 9: a cancelled handle never runs and drops its callable at once") {
    Loop loop;
    const auto token = std::make_shared<int>(0);
    const auto count = [token] { ++*token; };
    const auto cancel_twice = [&](const Handle& handle) {
        CHECK_FALSE(handle.cancelled());
        const long owners = token.use_count();
        handle.cancel();
        CHECK(token.use_count() == owners - 1);
        handle.cancel();
        CHECK(handle.cancelled());
    };
    SUBCASE("call_soon") { cancel_twice(loop.call_soon(count)); }
    SUBCASE("call_soon_threadsafe") { cancel_twice(loop.call_soon_threadsafe(count)); }
    SUBCASE("call_later") { cancel_twice(loop.call_later(0ms, count)); }
    SUBCASE("by an earlier entry of the same batch") {
        Handle victim;
        loop.call_soon([&] { victim.cancel(); });
        victim = loop.call_soon(count);
        turn(loop);
        CHECK(victim.cancelled());
    }
    turn(loop);
    CHECK(*token == 0);
}

TEST_CASE("a handle that has run is not cancelled") {
    Loop loop;
    const Handle handle = loop.call_soon([] {});
    turn(loop);
    handle.cancel();
    CHECK_FALSE(handle.cancelled());
}

TEST_CASE("rule 11: TimerHandle::when is the absolute time, before and after it fired or was cancelled") {
    Loop loop;
    const weft::TimePoint past = loop.time() - 1s;
    const TimerHandle fired = loop.call_at(past, [] {});
    const TimerHandle cancelled = loop.call_at(past + 2h, [] {});
    const weft::TimePoint before = loop.time();
    const TimerHandle later = loop.call_later(1h, [] {});
    CHECK(later.when() >= before + 1h);
    CHECK(later.when() <= loop.time() + 1h);
    turn(loop);
    cancelled.cancel();
    CHECK(fired.when() == past);
    CHECK_FALSE(fired.cancelled());
    CHECK(cancelled.when() == past + 2h);
    CHECK(cancelled.cancelled());
}

TEST_CASE("handles are compared by identity, are empty by default and outlive the loop") {
    Handle first;
    TimerHandle timer;
    CHECK_FALSE(first);
    CHECK_THROWS_AS(first.cancel(), weft::InvalidStateError);
    const auto token = std::make_shared<int>(0);
    {
        Loop loop;
        first = loop.call_soon([token] { ++*token; });
        const Handle same = first;
        const Handle other = loop.call_soon([] {});
        timer = loop.call_later(1h, [token] { ++*token; });
        CHECK(same == first);
        CHECK_FALSE(other == first);
        CHECK(token.use_count() == 3);
    }
    CHECK(token.use_count() == 1);
    CHECK(*token == 0);
    first.cancel();
    timer.cancel();
    CHECK_FALSE(timer.cancelled());
}

TEST_CASE("rule 20: an exception that leaves a callback is reported, and the loop goes on") {
    const Reports reports;
    Loop loop;
    Log log;
    loop.call_soon([] { throw std::runtime_error("boom"); });
    loop.call_soon([&] { log.push_back(1); });
    turn(loop);
    CHECK(log == Log{1});
    CHECK(reports.count("Exception in callback | std::runtime_error: boom") == 1);
}

TEST_CASE("rule 28: call_soon_threadsafe from four threads keeps the order of each") {
    constexpr std::size_t kThreads = 4;
    constexpr int kEach = 2000;
    Loop loop;
    std::vector<Log> logs(kThreads);  // written by the loop alone
    std::size_t left = kThreads * kEach;
    std::vector<std::function<void()>> senders;
    for (std::size_t sender = 0; sender < kThreads; ++sender) {
        senders.emplace_back([&, sender] {
            for (int i = 0; i < kEach; ++i) {
                (void)loop.call_soon_threadsafe([&, sender, i] {
                    logs[sender].push_back(i);
                    if (--left == 0) loop.stop();
                });
            }
        });
    }
    const std::jthread all([&] { weft::test::together(senders); });
    loop.run_forever();
    Log expected;
    for (int i = 0; i < kEach; ++i) expected.push_back(i);
    for (const Log& log : logs) CHECK(log == expected);
    CHECK(loop.rescues() == 0);
}

TEST_CASE("rule 28: call_soon_threadsafe wakes a loop that sleeps") {
    Loop loop;
    bool lost = false;
    loop.call_later(30s, [&] {  // fails instead of hanging
        lost = true;
        loop.stop();
    });
    const std::jthread other([&] {
        while (loop.parks() == 0) std::this_thread::yield();
        (void)loop.call_soon_threadsafe([&] { loop.stop(); });
    });
    loop.run_forever();
    CHECK_FALSE(lost);
}

TEST_CASE("a handle may be cancelled from any thread") {
    Loop loop;
    bool ran = false;
    Handle handle;
    loop.call_soon([&] { std::thread([&] { handle.cancel(); }).join(); });
    handle = loop.call_soon([&] { ran = true; });
    turn(loop);
    CHECK_FALSE(ran);
    CHECK(handle.cancelled());
}

TEST_CASE("rule 27: what is not thread-safe is refused on another thread while the loop runs") {
    Loop loop;
    std::vector<std::string> texts;
    const auto text_of = [&](auto call) {
        try {
            call();
            texts.emplace_back("no exception");
        } catch (const std::runtime_error& error) {
            texts.emplace_back(error.what());
        }
    };
    std::thread other;
    loop.call_soon([&] {
        other = std::thread([&] {
            text_of([&] { (void)loop.call_soon([] {}); });
            text_of([&] { (void)loop.call_later(0ms, [] {}); });
            text_of([&] { (void)loop.call_at(loop.time(), [] {}); });
            text_of([&] { loop.close(); });
            text_of([&] { loop.run_forever(); });
            (void)loop.call_soon_threadsafe([&] { loop.stop(); });
        });
    });
    loop.run_forever();
    other.join();
    REQUIRE(texts.size() == 5);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(texts[i].find("Non-thread-safe operation") != std::string::npos);
        CHECK(texts[i].find("expected call_soon_threadsafe") != std::string::npos);
    }
    CHECK(texts[3] == "Cannot close a running event loop");
    CHECK(texts[4] == "This event loop is already running");
}

TEST_CASE("rule 15: run_until_complete gives the value, or throws what the awaitable failed with") {
    Loop loop;
    SUBCASE("a coroutine") { CHECK(loop.run_until_complete(give(7)) == 7); }
    SUBCASE("one that waits") { CHECK(loop.run_until_complete(give_later(8, 1ms)) == 8); }
    SUBCASE("sleep itself") { CHECK(loop.run_until_complete(weft::sleep(0s, 9)) == 9); }
    SUBCASE("a task, which is pinned to the loop") {
        const weft::Task<int> task = loop.create_task(give(10), {.name = "ten"});
        CHECK(task.get_name() == "ten");
        CHECK_FALSE(task.done());
        CHECK(loop.run_until_complete(task) == 10);
        CHECK(loop.run_until_complete(task) == 10);  // done: again
        CHECK(task.result() == 10);
    }
    SUBCASE("a future that a callback completes") {
        const auto future = loop.create_future<int>();
        loop.call_soon([&] { future.set_result(11); });
        CHECK(loop.run_until_complete(future) == 11);
    }
    SUBCASE("a move-only value") {
        const auto make = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(12); };
        CHECK(*loop.run_until_complete(make()) == 12);
    }
    SUBCASE("a failure") {
        const auto fail = []() -> Coro<> {
            co_await weft::sleep(0s);
            throw std::out_of_range("too far");
        };
        CHECK_THROWS_WITH_AS(loop.run_until_complete(fail()), "too far", std::out_of_range);
    }
    SUBCASE("a cancellation") {
        const weft::Task<> task = loop.create_task(wait_for_ever());
        loop.call_soon([&] { task.cancel("enough"); });
        try {
            loop.run_until_complete(task);
            FAIL("no exception");
        } catch (const weft::CancelledError& error) {
            CHECK(error.message() == "enough");
        }
        CHECK(task.cancelled());
    }
    CHECK_FALSE(loop.is_running());
}

TEST_CASE("rule 16: run_until_complete that is stopped first says so, and the loop stays usable") {
    Loop loop;
    const auto future = loop.create_future<int>();
    loop.call_soon([&] { loop.stop(); });
    CHECK_THROWS_WITH_AS(loop.run_until_complete(future), "Event loop stopped before Future completed.",
                         std::runtime_error);
    // The call that has ended no longer stops the loop when its future is done (rule 16).
    Log log;
    future.set_result(1);
    loop.call_soon([&] { loop.call_soon([&] { loop.call_soon([&] { log.push_back(1); }); }); });
    CHECK(loop.run_until_complete(give_later(5, 1ms)) == 5);
    CHECK(log == Log{1});
    CHECK(loop.run_until_complete(future) == 1);
}

TEST_CASE("rule 18: a loop runs once at a time, and only one on a thread") {
    Loop loop;
    Loop inner;
    Log log;
    loop.call_soon([&] {
        CHECK(loop.is_running());
        CHECK(&weft::get_running_loop() == &loop);
        CHECK_THROWS_WITH_AS(loop.run_forever(), "This event loop is already running", std::runtime_error);
        CHECK_THROWS_WITH_AS(loop.run_until_complete(give(1)), "This event loop is already running",
                             std::runtime_error);
        CHECK_THROWS_WITH_AS(inner.run_until_complete(give(1)),
                             "Cannot run the event loop while another loop is running", std::runtime_error);
        CHECK_THROWS_WITH_AS(loop.close(), "Cannot close a running event loop", std::runtime_error);
        log.push_back(1);
        loop.stop();
    });
    loop.run_forever();
    CHECK(log == Log{1});
    CHECK_THROWS_WITH_AS((void)weft::get_running_loop(), "no running event loop", std::runtime_error);
    CHECK(inner.run_until_complete(give(2)) == 2);
}

TEST_CASE("rule 19: a closed loop refuses everything") {
    Loop loop;
    CHECK_FALSE(loop.is_closed());
    loop.close();
    loop.close();
    CHECK(loop.is_closed());
    const char* const text = "Event loop is closed";
    CHECK_THROWS_WITH_AS((void)loop.call_soon([] {}), text, std::runtime_error);
    CHECK_THROWS_WITH_AS((void)loop.call_soon_threadsafe([] {}), text, std::runtime_error);
    CHECK_THROWS_WITH_AS((void)loop.call_later(0s, [] {}), text, std::runtime_error);
    CHECK_THROWS_WITH_AS((void)loop.call_at(loop.time(), [] {}), text, std::runtime_error);
    CHECK_THROWS_WITH_AS((void)loop.create_task(give(1)), text, std::runtime_error);
    CHECK_THROWS_WITH_AS(loop.run_forever(), text, std::runtime_error);
    CHECK_THROWS_WITH_AS(loop.run_until_complete(give(1)), text, std::runtime_error);
    CHECK_THROWS_WITH_AS((void)weft::run_coroutine_threadsafe(give(1), loop), text, std::runtime_error);
}

TEST_CASE("rule 19: create_task of a closed loop is refused; the coroutine is destroyed and never starts") {
    const auto held = std::make_shared<int>(0);
    const Reports reports;
    {
        Loop loop;
        loop.close();
        CHECK_THROWS_WITH_AS((void)loop.create_task(hold(held)), "Event loop is closed", std::runtime_error);
        CHECK_THROWS_WITH_AS((void)weft::create_task(hold(held), {.loop = &loop}), "Event loop is closed",
                             std::runtime_error);
        CHECK(held.use_count() == 1);
    }
    CHECK(*held == 0);
    CHECK(reports.all().empty());
}

TEST_CASE("rules 11 and 30: call_at takes the loop's own time and is not early") {
    auto body = []() -> Coro<> {
        Loop& loop = weft::get_running_loop();
        const weft::TimePoint begun = loop.time();
        const auto fired = weft::create_future<weft::TimePoint>();
        const TimerHandle timer = loop.call_at(begun + 100ms, [&] { fired.set_result(loop.time()); });
        CHECK(timer.when() == begun + 100ms);
        const weft::TimePoint at = co_await fired;
        CHECK(at == begun + 100ms);
        CHECK(loop.time() >= at);
    };
    weft::test::virtual_run(body());
}

TEST_CASE("rules 19 and 68: close drops callbacks, reports the tasks that are left and destroys their frames") {
    const Reports reports;
    const auto held = std::make_shared<int>(0);
    weft::Task<> task;
    {
        Loop loop;
        task = loop.create_task(hold(held), {.name = "left over"});
        const weft::Task<> unborn = loop.create_task(hold(held));
        turn(loop);
        loop.call_soon([held] { ++*held; });
        loop.call_later(1h, [held] { ++*held; });
        CHECK(held.use_count() == 5);
        loop.close();
        CHECK(held.use_count() == 1);
        CHECK(unborn.done());
    }
    CHECK(*held == 0);
    CHECK(task.cancelled());
    CHECK_FALSE(task.cancel());
    CHECK(reports.count("Task was destroyed but it is pending!") == 2);
    CHECK(reports.count("left over") == 1);
}

TEST_CASE("rule 219: a thread future is completed with an error if its loop closes before the task began") {
    Loop loop;
    const weft::ConcurrentFuture<int> future = weft::run_coroutine_threadsafe(give(1), loop);
    CHECK_FALSE(future.done());
    loop.close();
    CHECK(future.done());
    CHECK_THROWS_WITH_AS(future.result(), "Event loop is closed", std::runtime_error);
}

TEST_CASE("what is queued before the loop runs keeps one order: tasks, callbacks, messages") {
    Loop loop;
    Log log;
    const auto note = [&log](int number) -> Coro<> {
        log.push_back(number);
        co_await weft::sleep(0s);
        log.push_back(number + 10);
    };
    const weft::Task<> first = loop.create_task(note(1));
    const weft::Task<> second = loop.create_task(note(2));
    loop.call_soon([&] { log.push_back(3); });
    (void)loop.call_soon_threadsafe([&] { log.push_back(4); });
    loop.call_soon([&] { log.push_back(5); });
    loop.run_until_complete(second);
    CHECK(log == Log{1, 2, 3, 4, 5, 11, 12});
    CHECK(first.done());
}

TEST_CASE("rule 12: a timer cancelled on its loop leaves it at once, from another thread when it is due") {
    Loop loop;
    TimerHandle kept;
    std::size_t armed = 1;
    loop.call_soon([&] {
        for (int i = 0; i < 10'000; ++i) loop.call_later(1h, [] {}).cancel();
        armed = loop.armed_timers();
        kept = loop.call_later(1ms, [] { FAIL("it was cancelled"); });
    });
    turn(loop);
    CHECK(armed == 0);
    kept.cancel();
    CHECK(kept.cancelled());
    loop.run_until_complete(give_later(1, 2ms));
    CHECK(loop.armed_timers() == 0);
}

TEST_CASE("a done callback belongs to its loop: no later loop runs it, and what it holds is dropped") {
    const weft::Future<int> future = weft::create_future<int>();
    const auto token = std::make_shared<int>(0);
    {
        Loop first;
        first.call_soon([&] { future.add_done_callback([token](const weft::Future<int>&) { ++*token; }); });
        turn(first);
    }
    Loop second;  // may have been given what the first one was reached through
    future.set_result(1);
    turn(second);
    CHECK(*token == 0);
    CHECK(token.use_count() == 1);
}

TEST_CASE("rule 26: callbacks and timers run in a copy of the caller's context, or in the one that is named") {
    const weft::ContextVar<int> var{"var", 0};
    weft::Context ctx;
    ctx.run([&] { var.set(10); });
    Log seen;
    const auto note = [&] {
        seen.push_back(var.get());
        var.set(var.get() + 1);
    };
    const auto main = [&](Loop& loop) -> Coro<> {
        var.set(1);
        loop.call_soon(note);
        loop.call_soon(note, {.context = &ctx});
        std::thread([&] {
            var.set(5);
            loop.call_soon_threadsafe(note);
            loop.call_soon_threadsafe(note, {.context = &ctx});
        }).join();
        loop.call_later(1ms, note);
        loop.call_later(2ms, note, {.context = &ctx});
        loop.call_at(loop.time() + 3ms, note);
        loop.call_at(loop.time() + 4ms, note, {.context = &ctx});
        var.set(2);
        co_await weft::sleep(5ms);
        seen.push_back(var.get());
    };
    Loop loop(std::make_unique<weft::scheduler::VirtualParker>());
    loop.run_until_complete(main(loop));
    CHECK(seen == Log{1, 10, 5, 11, 1, 12, 1, 13, 2});
    CHECK(ctx.get(var) == 14);
    CHECK(var.get() == 0);
}

TEST_CASE("rule 55: a loop's tasks take the context of the thread that made them") {
    const weft::ContextVar<int> var{"var", 0};
    const auto add = [&]() -> Coro<int> {
        var.set(var.get() + 1);
        co_return var.get();
    };
    Loop loop(std::make_unique<weft::scheduler::VirtualParker>());
    weft::Context ctx;
    ctx.run([&] {
        var.set(5);
        CHECK(loop.run_until_complete(add()) == 6);
        CHECK(var.get() == 5);
    });
    const auto task = loop.create_task(add(), {.context = &ctx});
    CHECK(loop.run_until_complete(task) == 6);
    CHECK(ctx.get(var) == 6);
    CHECK(loop.run_until_complete(add()) == 1);
}

TEST_CASE("rule 53: a gather whose loop is gone does not disturb the completion of its children") {
    const weft::Future<int> future = weft::create_future<int>();
    weft::Future<std::tuple<int>> gathering;
    {
        Loop first;
        first.call_soon([&] { gathering = weft::gather(future); });
        turn(first);
    }
    future.set_result(1);
    CHECK(gathering.cancelled());
}

TEST_CASE("a loop runs on a parker of the caller's: virtual time, and a deadlock is an exception") {
    const auto sleeper = []() -> weft::Coro<weft::Duration> {
        const weft::TimePoint start = weft::get_running_loop().time();
        co_await weft::sleep(1h);
        co_return weft::get_running_loop().time() - start;
    };
    const weft::Duration slept = weft::test::virtual_run(sleeper());
    CHECK(slept == 1h);
    CHECK_THROWS_AS(weft::test::virtual_run(weft::create_future<>()), weft::scheduler::Deadlock);
}
