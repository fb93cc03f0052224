#include "sync/shield.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sync/gather.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/timed.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::Future;
using weft::shield;
using weft::sleep;
using weft::Task;
using weft::test::after;
using weft::test::at;
using weft::test::ended;
using weft::test::fails_after;
using weft::test::later;
using weft::test::Reports;
using weft::test::soon;
using weft::test::thrown_by;
using weft::test::turns;
using weft::test::VirtualLoop;

TEST_CASE("rules 106, 147: a shield of what is done is that future itself") {
    // cpython: test_tasks.test_shield_shortcut
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = create_future<int>();
        future.set_result(42);
        const Future<int> outer = shield(future);
        CHECK(outer == future);
        bool other_ran = false;
        soon([&] { other_ran = true; });
        const int value = co_await outer;
        CHECK(value == 42);
        CHECK_FALSE(other_ran);
        const auto failed = create_future<int>();
        failed.set_exception(std::runtime_error("bad"));
        const std::string how = co_await ended(shield(failed));
        CHECK(how == "error: bad");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 147: a coroutine becomes a task first, and starts even if the shield is never awaited") {
    // cpython: test_tasks.test_shield_coroutine_use_running_loop
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const std::size_t tasks = weft::all_tasks().size();
        const Future<int> outer = shield(after(1s, 42));
        CHECK(weft::all_tasks().size() == tasks + 1);
        CHECK_FALSE(outer.done());
        const int value = co_await outer;
        CHECK(value == 42);
        CHECK(loop.now() == at(1s));
        bool ran = false;
        auto runs = [&]() -> Coro<> {
            ran = true;
            co_return;
        };
        (void)shield(runs());
        co_await turns(2);
        CHECK(ran);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 148: a value, a failure and a cancellation are copied to the outer future") {
    // cpython: test_tasks.test_shield_result
    // cpython: test_tasks.test_shield_exception
    // cpython: test_tasks.test_shield_cancel_inner
    const Reports reports;
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto inner = create_future<std::string>();
        const auto outer = shield(inner);
        CHECK(outer != inner);
        inner.set_result("value");
        CHECK_FALSE(outer.done());
        co_await sleep(0s);
        CHECK(outer.result() == "value");
        CHECK(inner.result() == "value");  // still there

        const auto bad = create_future<int>();
        const auto of_bad = shield(bad);
        const auto failure = std::make_exception_ptr(std::runtime_error("bad"));
        bad.set_exception(failure);
        co_await sleep(0s);
        CHECK(of_bad.exception() == failure);  // the very one

        const auto gone = create_future<int>();
        const auto of_gone = shield(gone);
        gone.cancel("inner's message");
        co_await sleep(0s);
        CHECK(of_gone.cancelled());
        const std::string how = co_await ended(of_gone);
        CHECK(how == "cancelled");
    };
    loop.run_until_complete(body());
    CHECK(reports.all().empty());  // the shield has looked at the inner failure, somebody at the outer one
}

TEST_CASE("rules 48, 148: a failure that nobody reads is reported once, as the outer future's") {
    const Reports reports;
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto inner = create_task(fails_after(1s, "bad"));
        (void)shield(inner);
        co_await sleep(2s);
    };
    loop.run_until_complete(body());
    CHECK(reports.count("Future exception was never retrieved") == 1);
    CHECK(reports.all().size() == 1);
}

TEST_CASE("rules 149, 156: the awaiter is cancelled at once, the inner task goes on, and can be awaited again") {
    // cpython: test_tasks.test_shield_effect
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto inner = create_task(after(5s, std::string("work")));
        auto waits = [&]() -> Coro<std::string> {
            const std::string how = co_await ended(shield(inner));
            CHECK(how == "cancelled: first");
            CHECK(loop.now() == at(1s));
            co_return co_await shield(inner);
        };
        const auto waiter = create_task(waits());
        co_await sleep(1s);
        waiter.cancel("first");
        co_await sleep(0s);
        CHECK(inner.cancelling() == 0);
        CHECK_FALSE(inner.done());
        const std::string value = co_await waiter;
        CHECK(value == "work");
        CHECK(loop.now() == at(5s));
        CHECK(waiter.cancelling() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 33, 149: cancelling the outer future is immediate, and leaves nothing that wakes it again") {
    // cpython: test_tasks.test_shield_cancel_outer
    // cpython: test_tasks.test_shield_cancel_outer_result
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto inner = create_future<int>();
        const auto outer = shield(inner);
        CHECK(outer.cancel("outer"));
        CHECK(outer.cancelled());
        CHECK_FALSE(outer.cancel());
        CHECK_FALSE(inner.done());
        inner.set_result(1);
        co_await turns(2);
        const std::string how = co_await ended(outer);
        CHECK(how == "cancelled: outer");
        CHECK(inner.result() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 150: a failure after the outer was cancelled is reported as soon as it happens") {
    // cpython: test_tasks.test_shield_cancel_outer_exception
    const Reports reports;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto inner = create_task(fails_after(3s, "late"));
        const auto outer = shield(inner);
        outer.cancel();
        co_await sleep(2s);
        CHECK(reports.all().empty());
        co_await sleep(2s);
        CHECK(reports.count("std::runtime_error exception in shielded future") == 1);
        CHECK(reports.count("late") == 1);
    };
    loop.run_until_complete(body());
    CHECK(reports.all().size() == 1);  // and not as never retrieved
}

TEST_CASE("rule 150: once for each future, also if it is read and however many shields were cancelled") {
    // cpython: test_tasks.test_shield_duplicate_log_once
    const Reports reports;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto inner = create_task(fails_after(2s, "late"));
        for (int i = 0; i < 4; ++i) shield(inner).cancel();
        const std::string how = co_await ended(inner);
        CHECK(how == "error: late");
        co_await sleep(0s);
        CHECK(reports.all().size() == 1);
        const auto quiet = create_task(after(1h, 1));
        shield(quiet).cancel();
        quiet.cancel();  // a cancellation is no failure
        (void)co_await ended(quiet);
        const auto good = create_task(after(1s, 1));
        shield(good).cancel();
        (void)co_await good;
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
    CHECK(reports.all().size() == 1);
}

TEST_CASE("rule 151: the loop keeps the inner task alive") {
    VirtualLoop loop;
    bool finished = false;
    auto work = [&]() -> Coro<> {
        co_await sleep(5s);
        finished = true;
    };
    auto body = [&]() -> Coro<> {
        {
            const Future<> outer = shield(work());
            outer.cancel();
        }
        co_await sleep(6s);
        CHECK(finished);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 152: two shields over one task are independent") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto inner = create_task(after(3s, std::string("work")));
        const auto first = shield(inner);
        const auto second = shield(inner);
        CHECK(first != second);
        first.cancel();
        CHECK_FALSE(second.done());
        const std::string value = co_await second;
        CHECK(value == "work");
        CHECK(first.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 153: the end of the inner and the cancel of the awaiter in one turn") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        for (const int turns_between : {0, 1}) {
            const auto inner = create_future<std::string>();
            const auto waiter = create_task(ended(shield(inner)));
            co_await sleep(0s);
            inner.set_result("kept");
            co_await turns(turns_between);
            CHECK(waiter.cancel());
            const std::string how = co_await waiter;
            CHECK(how == "cancelled");
            CHECK(inner.result() == "kept");
        }
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 155: in a gather, and in a wait_for, the cancel stops at the shield") {
    // cpython: test_tasks.test_gather_shield
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_future<int>();
        const auto b = create_future<int>();
        const auto shielded_a = shield(a);
        const auto shielded_b = shield(b);
        const auto parent = weft::gather(shielded_a, shielded_b);
        co_await sleep(0s);
        CHECK(parent.cancel());
        CHECK(shielded_a.cancelled());
        CHECK(shielded_b.cancelled());
        const std::string how = co_await ended(parent);
        CHECK(how == "cancelled");
        CHECK_FALSE(parent.cancelled());  // rule 114: failed
        a.set_result(1);
        b.set_result(2);

        const auto work = create_task(after(5s, 3));
        const std::string limited = co_await ended(weft::wait_for(shield(work), 1s));
        CHECK(limited == "error: timed out");
        CHECK(work.cancelling() == 0);
        const int value = co_await work;
        CHECK(value == 3);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 122, 155: a shielded gather runs on when its shield is cancelled") {
    // cpython: test_tasks.test_shield_gather
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_future<int>();
        const auto b = create_future<int>();
        const auto parent = weft::gather(a, b);
        const auto outer = shield(parent);
        co_await sleep(0s);
        CHECK(outer.cancel());
        CHECK(outer.cancelled());
        CHECK_FALSE(a.done());
        a.set_result(1);
        b.set_result(2);
        co_await sleep(0s);
        CHECK(parent.result() == std::tuple(1, 2));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 103: two turns from the inner's end to the awaiter of the shield") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto inner = create_future<int>();
        auto waits = [&]() -> Coro<int> {
            (void)co_await shield(inner);
            co_return loop.turns();
        };
        const auto waiter = create_task(waits());
        co_await sleep(0s);
        const int turn = loop.turns();
        inner.set_result(1);
        const int resumed = co_await waiter;
        CHECK(resumed - turn == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("shield: of a shield, of void, of a move-only value, of an AnyFuture") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto work = create_task(after(3s, std::string("work")));
        const auto inner = shield(work);
        const auto outer = shield(inner);
        outer.cancel();
        CHECK_FALSE(inner.done());
        const std::string value = co_await inner;
        CHECK(value == "work");

        const auto nothing = create_future<>();
        const Future<> of_nothing = shield(nothing);
        later(1s, [&] { nothing.set_result(); });
        co_await of_nothing;

        const auto owner = create_future<std::unique_ptr<int>>();
        const auto of_owner = shield(owner);
        later(1s, [&] { owner.set_result(std::make_unique<int>(5)); });
        const std::unique_ptr<int> moved = co_await of_owner;
        CHECK(*moved == 5);

        const auto any = create_future<int>();
        const Future<> of_any = shield(weft::AnyFuture(any));
        any.set_result(1);
        co_await of_any;
        CHECK_THROWS_AS((void)shield(Future<int>()), weft::InvalidStateError);
    };
    loop.run_until_complete(body());
}

TEST_CASE("shield: a cancelled shield leaves the inner's list; the others keep their order") {
    VirtualLoop loop;
    std::vector<std::string> log;
    auto body = [&]() -> Coro<> {
        const auto inner = create_future<int>();
        auto waits = [&](std::string name) -> Coro<> { log.push_back(name + " " + co_await ended(shield(inner))); };
        const auto a = create_task(waits("a"));
        const auto b = create_task(waits("b"));
        const auto c = create_task(waits("c"));
        co_await sleep(0s);
        b.cancel();
        co_await turns(2);
        inner.set_result(1);
        co_await turns(4);
        CHECK(log == std::vector<std::string>{"b cancelled", "a value", "c value"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("shield: on a closing loop, and outliving its loop, it leaks nothing") {
    const Reports reports;
    const Future<int> never = create_future<int>();
    Future<int> cancelled_late;
    {
        VirtualLoop loop;
        auto waits = [&]() -> Coro<> {
            cancelled_late = shield(never);
            const Future<int> cancelled_now = shield(never);
            cancelled_now.cancel();
            (void)co_await shield(never);
        };
        (void)loop.create(waits());
        loop.turn();
        CHECK(never.state().has_waiters());
    }
    CHECK(cancelled_late.cancel());  // off the loops: nobody would hear a report there
    never.set_exception(std::runtime_error("late"));
    CHECK_FALSE(never.state().has_waiters());
    CHECK(thrown_by([&] { return never.result(); }) == "error: late");
}
