#include "sync/gather.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sync/shield.hpp"
#include "sync/sleep.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::AnyFuture;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::Future;
using weft::gather;
using weft::return_exceptions;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

Coro<> nothing() { co_return; }
Coro<int> number_after(int n, weft::Duration duration) {
    co_await sleep(duration);
    co_return n;
}
Coro<int> fails_after(const char* text, weft::Duration duration) {
    co_await sleep(duration);
    throw std::runtime_error(text);
}
// Swallows one cancellation.
Coro<int> stubborn(int n) {
    (void)co_await ended(sleep(1h));
    co_return n;
}

}  // namespace

TEST_CASE("rule 108: results are in argument order") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto task = create_task(number_after(3, 1s));
        const auto [a, b, c, d] =
            co_await gather(number_after(1, 3s), number_after(2, 2s), task, sleep(1s, std::string("four")));
        CHECK(a == 1);
        CHECK(b == 2);
        CHECK(c == 3);
        CHECK(d == "four");

        std::vector<Coro<int>> coros;
        for (int i = 0; i < 10; ++i) coros.push_back(number_after(i, (10 - i) * 1s));
        const std::vector<int> all = co_await gather(std::move(coros));
        CHECK(all == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});

        const auto [unit, seven] = co_await gather(nothing(), number_after(7, 0s));
        CHECK(unit == std::monostate{});
        CHECK(seven == 7);

        std::vector<Coro<>> voids;
        for (int i = 0; i < 3; ++i) voids.push_back(nothing());
        co_await gather(std::move(voids));
    };
    loop.run_until_complete(body());
}

TEST_CASE("gather: move-only results come out of children that it made") {
    VirtualLoop loop;
    auto unique = [](int n) -> Coro<std::unique_ptr<int>> {
        co_await sleep(0s);
        co_return std::make_unique<int>(n);
    };
    auto body = [&]() -> Coro<> {
        const auto [a, b] = co_await gather(unique(1), unique(2));
        CHECK(*a + *b == 3);
        std::vector<Coro<std::unique_ptr<int>>> coros;
        for (int i = 0; i < 3; ++i) coros.push_back(unique(i));
        const auto all = co_await gather(std::move(coros));
        CHECK(*all.at(2) == 2);
        auto [outcome] = co_await gather(return_exceptions, unique(9));
        const std::unique_ptr<int> value = std::move(outcome).value();
        CHECK(*value == 9);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 109: the same future fills several slots and is one child") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = create_future<int>();
        const auto task = create_task(number_after(2, 1s));
        const auto both = gather(future, task, future, task, future);
        future.set_result(1);
        const auto [a, b, c, d, e] = co_await both;
        CHECK(std::vector<int>{a, b, c, d, e} == std::vector<int>{1, 2, 1, 2, 1});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 110: without arguments it is done at once") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto none = gather();
        CHECK(none.done());
        CHECK(none.result() == std::tuple<>());
        const auto empty = gather(std::vector<Task<int>>());
        CHECK(empty.done());
        CHECK(empty.result().empty());
        CHECK(gather(return_exceptions).done());
        CHECK(gather(std::vector<Coro<>>()).done());
        CHECK(gather(return_exceptions, std::vector<Coro<>>()).result().empty());
        co_return;
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 111: it is a future: the children start although nobody awaits it") {
    VirtualLoop loop;
    int started = 0;
    auto child = [&]() -> Coro<> {
        ++started;
        co_await sleep(0s);
        ++started;
    };
    auto body = [&]() -> Coro<> {
        (void)gather(child(), child());
        CHECK(started == 0);
        co_await sleep(0s);
        CHECK(started == 2);
        co_await sleep(0s);
        CHECK(started == 4);
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 112 and 113: the first to fail fails the gather at once; the others run on, and are seen") {
    const Reports reports;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto slow = create_task(number_after(1, 10s));
        const auto late = create_task(fails_after("late", 5s));
        const auto first = create_task(fails_after("first", 1s));
        const auto outer = gather(slow, late, first);
        std::exception_ptr seen;
        try {
            (void)co_await outer;
        } catch (const std::runtime_error&) {
            seen = std::current_exception();
        }
        CHECK(loop.now().time_since_epoch() == 1s);
        CHECK(seen == first.exception());
        CHECK_FALSE(slow.done());
        CHECK(slow.cancelling() == 0);
        const int value = co_await slow;
        CHECK(value == 1);
    };
    loop.run_until_complete(body());
    CHECK(reports.all().empty());  // late's failure was marked as retrieved
}

TEST_CASE("rule 114: a cancelled child fails the gather, which is not cancelled itself") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto child = create_task(number_after(1, 1h));
        const auto outer = gather(child, number_after(2, 0s));
        co_await sleep(0s);
        child.cancel("the child");
        const std::string how = co_await ended(outer);
        CHECK(how == "cancelled: the child");
        CHECK(outer.done());
        CHECK_FALSE(outer.cancelled());
        CHECK(outer.exception() != nullptr);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 115: with return_exceptions everything is a result, when all are done") {
    const Reports reports;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto hung = create_task(number_after(0, 1h));
        auto canceller = [&]() -> Coro<> {
            co_await sleep(2s);
            hung.cancel("stop");
        };
        const auto outer = gather(return_exceptions, fails_after("boom", 1s), hung, number_after(3, 3s), canceller());
        const auto [failed, cancelled, value, unit] = co_await outer;
        CHECK(loop.now().time_since_epoch() == 3s);
        CHECK_FALSE(failed.has_value());
        CHECK_FALSE(failed.cancelled());
        CHECK(thrown_by([&] { return failed.value(); }) == "error: boom");
        CHECK(cancelled.cancelled());
        CHECK(cancelled.exception() != nullptr);
        CHECK(thrown_by([&] { return cancelled.value(); }) == "cancelled");  // the task keeps its message: rule 94
        CHECK(value.has_value());
        CHECK(value.exception() == nullptr);
        CHECK(value.value() == 3);
        CHECK(unit.has_value());

        std::vector<Coro<int>> coros;
        coros.push_back(number_after(1, 1s));
        coros.push_back(fails_after("bang", 0s));
        const auto outcomes = co_await gather(return_exceptions, std::move(coros));
        CHECK(outcomes.size() == 2);
        CHECK(outcomes[0].value() == 1);
        CHECK(thrown_by([&] { return outcomes[1].value(); }) == "error: bang");
    };
    loop.run_until_complete(body());
    CHECK(reports.all().empty());
}

TEST_CASE("rule 116: cancel goes to every child that is not done and completes nothing by itself") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto done = create_task(number_after(1, 0s));
        const auto a = create_task(number_after(2, 1h));
        const auto b = create_task(number_after(3, 1h));
        const auto outer = gather(done, a, b);
        co_await sleep(0s);
        co_await sleep(0s);
        CHECK(done.done());
        CHECK(outer.cancel("all"));
        CHECK(done.cancelling() == 0);
        CHECK(a.cancelling() == 1);
        CHECK(b.cancelling() == 1);
        CHECK_FALSE(outer.done());
        const std::string how = co_await ended(outer);
        CHECK(how == "cancelled: all");
        CHECK(a.cancelled());
        CHECK(b.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 109 and 116: a child that was given twice gets two requests") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto child = create_task(number_after(1, 1h));
        const auto outer = gather(child, child);
        co_await sleep(0s);
        CHECK(outer.cancel());
        CHECK(child.cancelling() == 2);
        const std::string how = co_await ended(outer);
        CHECK(how == "cancelled");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 117: a cancelled gather ends with the CancelledError of its last child") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto first = weft::create_future<int>();
        const auto last = weft::create_future<int>();
        const auto outer = gather(return_exceptions, first, last);
        CHECK(outer.cancel("all"));
        const std::string how = co_await ended(outer);
        CHECK(how == "cancelled: all");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 117 and 118: after a cancel the gather raises even if every child swallowed it") {
    VirtualLoop loop;
    SUBCASE("rule 117: with return_exceptions, when all are done") {
        auto body = []() -> Coro<> {
            const auto a = create_task(stubborn(1));
            const auto slow = create_task(ended(number_after(1, 1h)));
            const auto outer = gather(return_exceptions, a, slow);
            co_await sleep(0s);
            CHECK(outer.cancel());
            const std::string how = co_await ended(outer);
            CHECK(how == "cancelled");
            CHECK(a.result() == 1);
            CHECK(slow.done());
        };
        loop.run_until_complete(body());
    }
    SUBCASE("rule 117: a second cancel that reaches nobody does not withdraw the first") {
        auto body = []() -> Coro<> {
            const auto future = weft::create_future<int>();
            const auto outer = gather(return_exceptions, future);
            CHECK(outer.cancel());
            CHECK_FALSE(outer.cancel());
            const std::string how = co_await ended(outer);
            CHECK(how == "cancelled");
        };
        loop.run_until_complete(body());
    }
    SUBCASE("rule 118: the first child that ends cancelled completes it") {
        auto body = []() -> Coro<> {
            auto cleans_up = []() -> Coro<int> {
                const std::string how = co_await ended(sleep(1h));
                co_await sleep(5s);
                throw weft::CancelledError(how);
            };
            const auto slow = create_task(cleans_up());
            const auto quick = create_task(number_after(1, 1h));
            const auto outer = gather(slow, quick);
            co_await sleep(0s);
            CHECK(outer.cancel("now"));
            const std::string how = co_await ended(outer);
            CHECK(how == "cancelled: now");
            CHECK_FALSE(slow.done());
            (void)co_await ended(slow);
        };
        loop.run_until_complete(body());
    }
    SUBCASE("rule 118: all swallow, it raises at the end") {
        auto body = []() -> Coro<> {
            const auto outer = gather(stubborn(1), stubborn(2));
            co_await sleep(0s);
            CHECK(outer.cancel());
            const std::string how = co_await ended(outer);
            CHECK(how == "cancelled");
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("rule 119: cancel after it is done is false and cancels nothing") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto slow = create_task(number_after(1, 1s));
        const auto outer = gather(slow, fails_after("boom", 0s));
        (void)co_await ended(outer);
        CHECK_FALSE(slow.done());
        CHECK_FALSE(outer.cancel());
        CHECK(slow.cancelling() == 0);
        const int value = co_await slow;
        CHECK(value == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 120: all children done, their callbacks not run: cancel is false, a waiting task is cancelled") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto a = create_future<int>();
        const auto b = create_future<int>();
        const auto outer = gather(a, b);
        auto waits = [](Future<std::tuple<int, int>> future) -> Coro<> { (void)co_await future; };
        const auto waiter = create_task(waits(outer));
        co_await sleep(0s);
        a.set_result(1);
        b.set_result(2);
        CHECK_FALSE(outer.done());
        CHECK_FALSE(outer.cancel());
        CHECK(waiter.cancel("me"));
        const std::string how = co_await ended(waiter);
        CHECK(how == "cancelled: me");
        CHECK(outer.result() == std::tuple(1, 2));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 103, 105, 106 and 121: turns, and children that are done already") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto done = create_future<int>();
        done.set_result(1);
        const auto outer = gather(done, done);
        CHECK(outer.done());  // rule 121
        const int before = loop.turns();
        const auto [a, b] = co_await outer;
        CHECK(a + b == 2);
        CHECK(loop.turns() == before);  // rule 106

        const auto future = create_future<int>();
        const auto waiting = gather(done, future);
        int set_in = 0;
        loop.call_soon([&] {
            set_in = loop.turns();
            future.set_result(2);
        });
        (void)co_await waiting;
        CHECK(loop.turns() == set_in + 2);  // rule 103

        const int created_in = loop.turns();
        (void)co_await gather(nothing());
        CHECK(loop.turns() == created_in + 3);  // rule 105
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 122: cancellation reaches the leaves of nested gathers") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        std::vector<Task<int>> leaves;
        for (int i = 0; i < 4; ++i) leaves.push_back(create_task(number_after(i, 1h)));
        auto waits = [&]() -> Coro<> {
            (void)co_await gather(gather(leaves[0], leaves[1]), gather(leaves[2], gather(leaves[3])));
        };
        const auto task = create_task(waits());
        co_await sleep(0s);
        CHECK(task.cancel("root"));
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled: root");
        for (const auto& leaf : leaves) {
            (void)co_await ended(leaf);
            CHECK(leaf.cancelled());
            CHECK(leaf.cancelling() == 1);
        }
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 123: a failed future fails the gather on return, later children still run") {
    VirtualLoop loop;
    bool ran = false;
    auto child = [&]() -> Coro<> {
        ran = true;
        co_return;
    };
    auto body = [&]() -> Coro<> {
        const auto failed = create_future<int>();
        failed.set_exception(std::runtime_error("before"));
        const auto outer = gather(failed, child());
        CHECK(outer.done());
        CHECK(thrown_by([&] { return outer.result(); }) == "error: before");
        CHECK_FALSE(ran);
        co_await sleep(0s);
        CHECK(ran);
    };
    loop.run_until_complete(body());
}

TEST_CASE("gather: dropped or on a closing loop, it leaks nothing") {
    const Reports reports;
    auto held = std::make_shared<int>(1);
    auto sleeps = [](std::shared_ptr<int>) -> Coro<> { co_await sleep(1h); };
    Future<std::tuple<std::monostate, std::monostate>> outer;
    {
        VirtualLoop loop;
        auto waits = [&](std::shared_ptr<int> mine) -> Coro<> {
            outer = gather(sleeps(held), sleeps(mine));
            co_await outer;
        };
        (void)loop.create(waits(held));
        loop.turn(2);
        CHECK(held.use_count() >= 4);
    }
    CHECK(held.use_count() == 1);
    CHECK(reports.count("Task was destroyed but it is pending!") == 3);
}

TEST_CASE("gather: one whose loop closes before it is told ends cancelled, and so does what waits for it") {
    const auto one = create_future<int>();
    AnyFuture inner;
    AnyFuture outer;
    AnyFuture shielded;
    auto body = [&]() -> Coro<> {
        const auto all = gather(one);
        inner = all;
        outer = weft::gather(all);
        shielded = weft::shield(all);
        co_return;
    };
    {
        VirtualLoop loop;
        loop.run_until_complete(body());
        one.set_result(1);
        CHECK_FALSE(inner.done());
        loop.close();
    }
    CHECK(inner.cancelled());
    CHECK(outer.cancelled());
    CHECK(shielded.cancelled());
}
