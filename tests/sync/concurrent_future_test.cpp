#include "sync/concurrent_future.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sync/sleep.hpp"
#include "tests/support/countdown.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::ConcurrentFuture;
using weft::Coro;
using weft::create_future;
using weft::Future;
using weft::run_coroutine_threadsafe;
using weft::sleep;
using weft::TimeoutError;
using weft::test::Countdown;
using weft::test::ended;
using weft::test::Group;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::together;
using weft::test::VirtualLoop;

namespace {

Coro<> nothing() { co_return; }
Coro<int> number(int n) {
    co_await sleep(0s);
    co_return n;
}
Coro<int> failing() {
    co_await sleep(0s);
    throw std::runtime_error("boom");
}
Coro<int> wait_on(Future<int> future) { co_return co_await future; }

}  // namespace

TEST_CASE("rule 216: a thread blocks for the result, the exception or the cancellation") {
    const Group group(1);
    CHECK(run_coroutine_threadsafe(number(5), group.loop(0)).result() == 5);
    CHECK_NOTHROW(run_coroutine_threadsafe(nothing(), group.loop(0)).result());
    const auto failed = run_coroutine_threadsafe(failing(), group.loop(0));
    CHECK(thrown_by([&] { return failed.result(); }) == "error: boom");
    CHECK(failed.exception() != nullptr);
    CHECK_FALSE(failed.cancelled());
    CHECK(run_coroutine_threadsafe(number(1), group.loop(0)).exception() == nullptr);
    auto unique = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(6); };
    CHECK(*run_coroutine_threadsafe(unique(), group.loop(0)).result() == 6);
    CHECK(run_coroutine_threadsafe(sleep(0s, 7), group.loop(0)).result() == 7);
}

TEST_CASE("rule 216: callbacks run on the completing thread, at once if it is done") {
    const Reports reports;
    const Group group(1);
    auto id = []() -> Coro<std::thread::id> { co_return std::this_thread::get_id(); };
    const auto loops_thread = run_coroutine_threadsafe(id(), group.loop(0)).result();
    const auto gate = create_future<int>();
    const auto future = run_coroutine_threadsafe(wait_on(gate), group.loop(0));
    std::thread::id called_on;
    Countdown called(2);
    future.add_done_callback([&](const ConcurrentFuture<int>& done) {
        called_on = std::this_thread::get_id();
        CHECK(done.result() == 3);
        called.count_down();
    });
    future.add_done_callback([&](const ConcurrentFuture<int>&) {
        called.count_down();
        throw std::runtime_error("from a callback");
    });
    gate.set_result(3);
    CHECK(called.wait());
    CHECK(called_on == loops_thread);
    CHECK(future.result() == 3);
    std::thread::id at_once;
    future.add_done_callback([&](const ConcurrentFuture<int>&) { at_once = std::this_thread::get_id(); });
    CHECK(at_once == std::this_thread::get_id());
    // The report follows the countdown on the loop's thread: one more round trip puts it behind us.
    run_coroutine_threadsafe(nothing(), group.loop(0)).result();
    CHECK(reports.count("Exception in callback") == 1);
}

TEST_CASE("rule 217: cancelled before it starts, the body is never entered") {
    VirtualLoop loop;
    auto held = std::make_shared<int>(1);
    bool entered = false;
    auto never = [&](std::shared_ptr<int>) -> Coro<> {
        entered = true;
        co_return;
    };
    const auto future = run_coroutine_threadsafe(never(held), loop.loop());
    CHECK_FALSE(future.done());
    CHECK(future.cancel("too early"));
    CHECK(future.cancelled());
    loop.turn();
    CHECK_FALSE(entered);
    CHECK(held.use_count() == 1);
    CHECK(thrown_by([&] {
              future.result();
              return 0;
          }) == "cancelled: too early");
    CHECK_FALSE(future.cancel());
}

TEST_CASE("rule 217: cancelled while it runs, the thread future ends at once and the task is asked") {
    VirtualLoop loop;
    std::string how;
    auto body = [&]() -> Coro<> { how = co_await ended(sleep(1h)); };
    const auto future = run_coroutine_threadsafe(body(), loop.loop());
    loop.turn(2);
    CHECK(loop.loop().armed_timers() == 1);
    CHECK(future.cancel("stop"));
    CHECK(future.cancelled());
    CHECK(how.empty());
    loop.turn();
    CHECK(how == "cancelled: stop");
    CHECK_FALSE(future.cancel());
}

TEST_CASE("rule 217: cancelled after its end, nothing happens; a cancelled task cancels it") {
    VirtualLoop loop;
    const auto future = run_coroutine_threadsafe(number(4), loop.loop());
    while (!future.done()) loop.turn();
    CHECK_FALSE(future.cancel());
    CHECK(future.result() == 4);

    auto cancels_itself = []() -> Coro<> {
        weft::current_task().cancel();
        co_await sleep(0s);
    };
    const auto cancelled = run_coroutine_threadsafe(cancels_itself(), loop.loop());
    while (!cancelled.done()) loop.turn();
    CHECK(cancelled.cancelled());
}

TEST_CASE("rule 218: a timeout does not disturb the task") {
    const Group group(1);
    const auto gate = create_future<int>();
    const auto future = run_coroutine_threadsafe(wait_on(gate), group.loop(0));
    CHECK_THROWS_AS((void)future.result(0s), TimeoutError);
    CHECK_THROWS_AS((void)future.exception(1us), TimeoutError);
    CHECK_FALSE(future.done());
    gate.set_result(9);
    CHECK(future.result(60s) == 9);
    CHECK(future.result(0s) == 9);
}

TEST_CASE("concurrent_future: result() of a pending one on a loop's thread is an error, of a done one it is not") {
    const Group group(2);
    const auto gate = create_future<int>();
    const auto pending = run_coroutine_threadsafe(wait_on(gate), group.loop(1));
    const auto done = run_coroutine_threadsafe(number(2), group.loop(1));
    CHECK(done.result() == 2);
    auto asks = [&]() -> Coro<std::string> {
        std::string how = thrown_by([&] { return pending.result(); });
        how += thrown_by([&] { return pending.exception(0s); }).substr(0, 6);
        co_return how + std::to_string(done.result());
    };
    const std::string how = group.run(asks());
    CHECK(how.find("was called on a loop's thread") != std::string::npos);
    CHECK(how.ends_with("error:2"));
    gate.set_result(1);
    CHECK(pending.result() == 1);
}

TEST_CASE("rule 219: a loop that closes before the start completes it with an error") {
    auto held = std::make_shared<int>(1);
    auto never = [](std::shared_ptr<int>) -> Coro<> { co_return; };
    ConcurrentFuture<> future;
    {
        VirtualLoop loop;
        future = run_coroutine_threadsafe(never(held), loop.loop());
    }
    CHECK(held.use_count() == 1);
    CHECK(thrown_by([&] {
              future.result();
              return 0;
          }) == "error: Event loop is closed");
}

TEST_CASE("rule 219: a closed loop is refused at once") {
    VirtualLoop loop;
    auto held = std::make_shared<int>(1);
    auto never = [](std::shared_ptr<int>) -> Coro<> { co_return; };
    loop.close();
    CHECK(thrown_by([&] { return run_coroutine_threadsafe(never(held), loop.loop()); }) ==
          "error: Event loop is closed");
    CHECK(held.use_count() == 1);
}

TEST_CASE("concurrent_future: a loop that closes on the running task ends it") {
    const Reports reports;
    ConcurrentFuture<int> future;
    const auto never = create_future<int>();
    {
        VirtualLoop loop;
        future = run_coroutine_threadsafe(wait_on(never), loop.loop());
        loop.turn(2);
        CHECK_FALSE(future.done());
    }
    CHECK(future.done());
    CHECK(thrown_by([&] { return future.result(); }) == "cancelled");
    CHECK(reports.count("Task was destroyed but it is pending!") == 1);
}

TEST_CASE("concurrent_future: it starts its task on the loop that was named, from a loop, too") {
    const Group group(3);
    auto where = []() -> Coro<std::size_t> { co_return weft::scheduler::current_loop()->index(); };
    for (std::size_t i = 0; i < 3; ++i) CHECK(group.run(where(), i) == i);
    auto from_a_loop = [&]() -> Coro<ConcurrentFuture<std::size_t>> {
        co_return run_coroutine_threadsafe(where(), group.loop(2));
    };
    CHECK(group.run(from_a_loop()).result() == 2);
}

TEST_CASE("concurrent_future: many threads block on one, and one is cancelled while others ask for its result") {
    constexpr int kRounds = 200;
    const Group group(2);
    int wrong = 0;
    for (int round = 0; round < kRounds; ++round) {
        const auto gate = create_future<int>();
        const auto future = run_coroutine_threadsafe(wait_on(gate), group.loop(static_cast<std::size_t>(round) % 2));
        std::vector<std::string> how(2);
        bool cancelled = false;
        together({
            [&] { how[0] = thrown_by([&] { return future.result(60s); }); },
            [&] { how[1] = thrown_by([&] { return future.result(60s); }); },
            [&] { (void)gate.try_set_result(round); },
            [&] {
                if (round % 3 != 0) cancelled = future.cancel("race");
            },
        });
        const std::string expected = cancelled ? "cancelled: race" : how[0] == "cancelled" ? "cancelled" : "nothing";
        wrong += how[0] != expected || how[1] != expected || future.cancelled() != (expected != "nothing");
    }
    CHECK(wrong == 0);
    CHECK(group.rescues() == 0);
}

// The loop takes references to the task that it starts while the canceller takes and drops its own.
TEST_CASE("rule 217: a cancel that races with the start loses no reference and keeps none") {
    constexpr int kRounds = 3'000;
    const auto held = std::make_shared<int>(0);
    {
        const Group group(2);
        auto body = [](std::shared_ptr<int>) -> Coro<> { co_await sleep(1h); };
        for (int round = 0; round < kRounds; ++round) {
            const auto future = run_coroutine_threadsafe(body(held), group.loop(static_cast<std::size_t>(round) % 2));
            for (int i = round % 97; i != 0; --i) weft::scheduler::spin_hint();
            CHECK(future.cancel("race"));
        }
        for (std::size_t i = 0; i < 2; ++i) run_coroutine_threadsafe(nothing(), group.loop(i)).result();
    }
    CHECK(held.use_count() == 1);
}
