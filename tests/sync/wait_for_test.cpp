#include "sync/wait_for.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sync/context_var.hpp"
#include "sync/gather.hpp"
#include "sync/shield.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/timed.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::Duration;
using weft::Future;
using weft::shield;
using weft::sleep;
using weft::Task;
using weft::TimeoutError;
using weft::wait_for;
using weft::test::after;
using weft::test::at;
using weft::test::ended;
using weft::test::fails_after;
using weft::test::later;
using weft::test::Reports;
using weft::test::soon;
using weft::test::turns;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

const std::string kTimedOut = "error: timed out";

// Cleans up for a while when it is cancelled, and goes.
struct Slow {
    bool exited = false;

    Coro<std::string> run(Duration cleanup = 0s) {
        try {
            co_await sleep(1h);
        } catch (const weft::CancelledError&) {
        }
        if (cleanup > 0s) co_await sleep(cleanup);
        exited = true;
        throw weft::CancelledError();
    }
};

// Swallows one cancellation and returns.
Coro<int> stubborn(int value) {
    (void)co_await ended(sleep(10s));
    co_return value;
}

Coro<> sour() {
    const std::string how = co_await ended(sleep(10s));
    throw std::runtime_error("instead of " + how);
}

template <class A>
Coro<std::string> ended_in_time(A awaitable, std::optional<Duration> timeout) {
    co_return co_await ended(wait_for(std::move(awaitable), timeout));
}

}  // namespace

TEST_CASE("rule 133: a coroutine runs in the caller's own task and context") {
    // cpython: test_waitfor.test_wait_for_blocking
    VirtualLoop loop;
    static const weft::ContextVar<int> var{"wait_for_test.var", 0};
    auto inner = [](std::vector<weft::AnyTask>& seen) -> Coro<std::string> {
        seen.push_back(current_task());
        var.set(42);
        co_await sleep(1s);
        co_return "done";
    };
    auto body = [&]() -> Coro<> {
        std::vector<weft::AnyTask> seen;
        const std::size_t tasks = weft::all_tasks().size();
        const std::string value = co_await wait_for(inner(seen), 10s);
        CHECK(value == "done");
        CHECK(seen == std::vector{current_task()});
        CHECK(var.get() == 42);
        CHECK(weft::all_tasks().size() == tasks);
        CHECK(loop.now() == at(1s));
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 134: no limit is a plain await") {
    // cpython: test_waitfor.test_none_timeout
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const int value = co_await wait_for(after(1000s, 7), std::nullopt);
        CHECK(value == 7);
        CHECK(loop.now() == at(1000s));
        const auto task = create_task(after(100ms, 8));
        const int shielded = co_await wait_for(shield(task), std::nullopt);
        CHECK(task.done());
        CHECK(shielded == 8);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 106, 135: no time at all, and a done future gives its outcome without a suspension") {
    // cpython: test_waitfor.test_wait_for_timeout_less_then_0_or_0_future_done
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto done = create_future<std::string>();
        done.set_result("done");
        const auto failed = create_future<int>();
        failed.set_exception(std::runtime_error("bad"));
        const auto gone = create_future<int>();
        gone.cancel("gone");
        bool other_ran = false;
        soon([&] { other_ran = true; });
        for (const Duration none : {Duration(0s), Duration(-1s), Duration(1s)}) {
            const std::string value = co_await wait_for(done, none);
            CHECK(value == "done");
            const std::string how = co_await ended_in_time(failed, none);
            CHECK(how == "error: bad");
            const std::string how_gone = co_await ended_in_time(gone, none);
            CHECK(how_gone == "cancelled: gone");
        }
        CHECK_FALSE(other_ran);
        CHECK(loop.now() == at(0s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 135: no time at all, and a coroutine never starts") {
    // cpython: test_waitfor.test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started
    VirtualLoop loop;
    bool started = false;
    auto inner = [&]() -> Coro<int> {
        started = true;
        co_return 1;
    };
    auto body = [&]() -> Coro<> {
        for (const Duration none : {Duration(0s), Duration(-1s), Duration::min()}) {
            const std::string how = co_await ended_in_time(inner(), none);
            CHECK(how == kTimedOut);
        }
        CHECK_FALSE(started);
        CHECK(loop.now() == at(0s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 135: no time at all: what is pending is cancelled, and awaited until it really ends") {
    // cpython: test_waitfor.test_wait_for_timeout_less_then_0_or_0
    // cpython: test_waitfor.test_wait_for_waits_for_task_cancellation_w_timeout_0
    for (const Duration none : {Duration(0s), Duration(-1s)}) {
        VirtualLoop loop;
        auto body = [&]() -> Coro<> {
            Slow slow;
            const auto task = create_task(slow.run(4s));
            co_await sleep(0s);
            const std::string how = co_await ended_in_time(task, none);
            CHECK(how == kTimedOut);
            CHECK(slow.exited);
            CHECK(task.cancelled());
            CHECK(loop.now() == at(4s));

            const auto value = create_task(stubborn(42));
            const auto error = create_task(sour());
            co_await sleep(0s);
            const int all_the_same = co_await wait_for(value, none);
            CHECK(all_the_same == 42);
            const std::string how_sour = co_await ended_in_time(error, none);
            CHECK(how_sour == "error: instead of cancelled");
            CHECK(loop.now() == at(4s));
            CHECK(current_task().cancelling() == 0);
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("rules 114, 135: a gather without time is cancelled, and that is a timeout") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(after(5s, 1));
        const auto b = create_task(after(6s, 2));
        co_await sleep(0s);
        const std::string how = co_await ended_in_time(weft::gather(a, b), 0s);
        CHECK(how == kTimedOut);
        CHECK(a.cancelled());
        CHECK(b.cancelled());
        // as with time that runs out
        const std::string later_on = co_await ended_in_time(weft::gather(after(5s, 1), after(6s, 2)), 1s);
        CHECK(later_on == kTimedOut);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 135: the caller may be cancelled while it waits without time for the end") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Slow slow;
        const auto task = create_task(slow.run(4s));
        co_await sleep(0s);
        const auto waiter = create_task(ended_in_time(task, 0s));
        later(1s, [&] { waiter.cancel("outside"); });
        const std::string how = co_await waiter;
        CHECK(how == "cancelled: outside");
        CHECK(loop.now() == at(1s));
        CHECK_FALSE(task.done());
        CHECK_FALSE(task.state().has_waiters());
        (void)co_await ended(task);
        CHECK(slow.exited);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 136: on expiry the work is cancelled and cleans up, however long; then TimeoutError") {
    // cpython: test_waitfor.test_asyncio_wait_for_timeout
    // cpython: test_waitfor.test_wait_for
    // cpython: test_waitfor.test_wait_for_waits_for_task_cancellation
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Slow in_place;
        const std::string how = co_await ended_in_time(in_place.run(10s), 1s);
        CHECK(how == kTimedOut);
        CHECK(in_place.exited);
        CHECK(loop.now() == at(11s));
        CHECK(current_task().cancelling() == 0);

        Slow in_task;
        const auto task = create_task(in_task.run(10s));
        bool timed_out = false;
        try {
            (void)co_await wait_for(task, 1s);
        } catch (const TimeoutError&) {
            timed_out = true;
        }
        CHECK(timed_out);
        CHECK(in_task.exited);
        CHECK(task.cancelled());
        CHECK(task.cancelling() == 1);
        CHECK(loop.now() == at(22s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 137: work that swallows the cancel gives its value, no TimeoutError") {
    // cpython: test_waitfor.test_wait_for_cancel_suppressed
    // cpython: test_waitfor.test_wait_for_cancellation_race_condition
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const int value = co_await wait_for(stubborn(42), 1s);
        CHECK(value == 42);
        CHECK(current_task().cancelling() == 0);
        const auto task = create_task(stubborn(43));
        const int of_task = co_await wait_for(task, 1s);
        CHECK(of_task == 43);
        CHECK(task.cancelling() == 1);
        CHECK(loop.now() == at(2s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 138: a cleanup that raises something else") {
    // cpython: test_waitfor.test_wait_for_reraises_exception_during_cancellation
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const std::string how = co_await ended_in_time(sour(), 1s);
        CHECK(how == "error: instead of cancelled");
        CHECK(current_task().cancelling() == 0);
        const auto task = create_task(sour());
        const std::string of_task = co_await ended_in_time(task, 1s);
        CHECK(of_task == "error: instead of cancelled");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 139: a TimeoutError of the work's own passes") {
    VirtualLoop loop;
    auto own = []() -> Coro<int> {
        co_await sleep(1s);
        throw TimeoutError("my own");
    };
    auto body = [&]() -> Coro<> {
        const std::string how = co_await ended_in_time(own(), 10s);
        CHECK(how == "error: my own");
        CHECK(loop.now() == at(1s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 140: cancelling the caller cancels the work, waits for its cleanup, and is a cancellation") {
    // cpython: test_waitfor.test_asyncio_wait_for_cancelled
    // cpython: test_waitfor.test_cancel_wait_for
    // cpython: test_waitfor.test_cancel_blocking_wait_for
    for (const std::optional<Duration> timeout : {std::optional<Duration>(60s), std::optional<Duration>()}) {
        VirtualLoop loop;
        auto body = [&]() -> Coro<> {
            Slow slow;
            const auto waiter = create_task(wait_for(slow.run(2s), timeout));
            co_await sleep(1s);
            waiter.cancel("outside");
            const std::string how = co_await ended(waiter);
            CHECK(how == "cancelled");  // the work raised one of its own
            CHECK(waiter.cancelled());
            CHECK(slow.exited);
            CHECK(loop.now() == at(3s));

            const auto inner = create_task(after(1h, 1));
            const auto of_task = create_task(wait_for(inner, timeout));
            soon([&] { of_task.cancel("outside"); });
            const std::string of_task_how = co_await ended(of_task);
            CHECK(of_task_how == "cancelled: outside");
            CHECK(inner.cancelled());
            CHECK(inner.cancelling() == 1);
            CHECK(of_task.cancelling() == 1);
            CHECK(loop.loop().armed_timers() == 0);
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("rule 141: somebody else cancels the inner task: CancelledError, and the caller's count is zero") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto inner = create_task(after(1h, 1));
        later(1s, [&] { inner.cancel("else"); });
        const std::string how = co_await ended_in_time(inner, 10s);
        CHECK(how == "cancelled: else");
        CHECK(current_task().cancelling() == 0);
        CHECK(loop.now() == at(1s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 142: cancelled in the turn in which the future completed: the result is lost") {
    // cpython: test_waitfor.test_wait_for_issue86296
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        const auto waiter = create_task(wait_for(future, 100s));
        co_await sleep(0s);
        future.set_result(1);
        CHECK(waiter.cancel());
        const std::string how = co_await ended(waiter);
        CHECK(how == "cancelled");
        CHECK(future.result() == 1);

        bool reached_end = false;
        const auto inner = create_task(after(0s, std::string("done")));
        auto waits = [&]() -> Coro<> {
            (void)co_await wait_for(inner, 100s);
            co_await sleep(1s);
            reached_end = true;
        };
        const auto task = create_task(waits());
        co_await turns(2);
        CHECK(inner.done());
        task.cancel();
        const std::string how_task = co_await ended(task);
        CHECK(how_task == "cancelled");
        const std::string value = co_await inner;
        CHECK(value == "done");
        CHECK_FALSE(reached_end);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 143: the result, then the deadline, in one turn: TimeoutError, and the future holds the result") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        later(1s, [&] { future.set_result(7); });
        const std::string how = co_await ended_in_time(future, 1s);
        CHECK(how == kTimedOut);
        CHECK(future.result() == 7);
        CHECK(loop.now() == at(1s));
        CHECK(current_task().cancelling() == 0);

        // the other way round
        const auto late = create_future<int>();
        const auto waiter = create_task(ended_in_time(late, 1s));
        co_await sleep(0s);
        bool refused = false;
        later(1s, [&] { refused = !late.try_set_result(7); });
        const std::string late_how = co_await waiter;
        CHECK(late_how == kTimedOut);
        CHECK(refused);
        CHECK(late.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 144: a future is cancelled on expiry; shield protects it") {
    // cpython: test_waitfor.test_zero_timeout
    // cpython: test_waitfor.test_shielded_timeout
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        const std::string how = co_await ended_in_time(future, 1s);
        CHECK(how == kTimedOut);
        CHECK(future.cancelled());

        for (const Duration time : {Duration(0s), Duration(10ms)}) {
            const auto task = create_task(after(100ms, std::string("done")));
            const std::string shielded = co_await ended_in_time(shield(task), time);
            CHECK(shielded == kTimedOut);
            CHECK_FALSE(task.done());
            CHECK(task.cancelling() == 0);
            const std::string value = co_await task;
            CHECK(value == "done");
        }
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 145: expiry and an outside cancel together: CancelledError") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        const auto waiter = create_task(ended_in_time(future, 1s));
        co_await sleep(0s);
        later(1s, [&] { waiter.cancel("outside"); });
        const std::string how = co_await waiter;
        CHECK(how.starts_with("cancelled"));
        CHECK(waiter.cancelling() == 1);
        CHECK(loop.now() == at(1s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 103: one turn from the future to the caller") {
    // cpython: test_waitfor.test_wait_for_race_condition
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<std::string>();
        int turn = 0;
        soon([&] {
            future.set_result("ok");
            turn = loop.turns();
        });
        const std::string value = co_await wait_for(future, 200ms);
        CHECK(value == "ok");
        CHECK(loop.turns() - turn == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 167, 168: nested limits: the inner expires first, or the outer") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const std::string inner_first = co_await ended_in_time(wait_for(sleep(1h), 1s), 10s);
        CHECK(inner_first == kTimedOut);
        CHECK(loop.now() == at(1s));
        std::string inside;
        auto inner = [&]() -> Coro<> {
            inside = co_await ended(wait_for(sleep(1h), 10s));
            throw weft::CancelledError();
        };
        const std::string outer_first = co_await ended_in_time(inner(), 1s);
        CHECK(inside == "cancelled");
        CHECK(outer_first == kTimedOut);
        CHECK(loop.now() == at(2s));
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 133, 174: the limit counts from the call") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto limited = wait_for(sleep(10s), 3s);
        co_await sleep(2s);
        const std::string how = co_await ended(std::move(limited));
        CHECK(how == kTimedOut);
        CHECK(loop.now() == at(3s));
        // it ran out before the start: the body is entered, and interrupted at its first suspension
        auto late = wait_for(sleep(10s), 1s);
        co_await sleep(2s);
        const std::string late_how = co_await ended(std::move(late));
        CHECK(late_how == kTimedOut);
        CHECK(loop.now() == at(5s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("wait_for: void, move-only values, a task that is started by it; a limit beyond the clock's range") {
    VirtualLoop loop;
    auto moves = []() -> Coro<std::unique_ptr<int>> {
        co_await sleep(1s);
        co_return std::make_unique<int>(5);
    };
    auto body = [&]() -> Coro<> {
        co_await wait_for(sleep(1s), 2s);
        const std::unique_ptr<int> moved = co_await wait_for(moves(), Duration::max());
        CHECK(*moved == 5);
        const std::unique_ptr<int> of_task = co_await wait_for(create_task(moves()), 2s);
        CHECK(*of_task == 5);
        const auto future = create_future<std::unique_ptr<int>>();
        future.set_result(std::make_unique<int>(6));
        const std::unique_ptr<int> of_done = co_await wait_for(future, 0s);
        CHECK(*of_done == 6);
        const auto any = weft::AnyFuture(future);
        co_await wait_for(any, 1s);
    };
    loop.run_until_complete(body());
    CHECK(loop.loop().armed_timers() == 0);
}

TEST_CASE("wait_for: on a closing loop it leaks nothing") {
    const Reports reports;
    const Future<int> never = create_future<int>();
    auto held = std::make_shared<int>(1);
    {
        VirtualLoop loop;
        auto holds = [](std::shared_ptr<int>) -> Coro<> { co_await sleep(1h); };
        (void)loop.create(wait_for(never, 1h));
        (void)loop.create(wait_for(holds(held), 1h));
        (void)loop.create(wait_for(never, 0s));
        loop.turn(1);
        CHECK(held.use_count() > 1);
    }
    CHECK(held.use_count() == 1);
    CHECK(reports.count("Task was destroyed but it is pending!") >= 2);
}
