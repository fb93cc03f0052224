#include "sync/wait.hpp"

#include <doctest/doctest.h>

#include <array>
#include <list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/timed.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::ALL_COMPLETED;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::FIRST_COMPLETED;
using weft::FIRST_EXCEPTION;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::wait;
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

using Tasks = std::vector<Task<int>>;

namespace {

// g++ 12 takes no initializer_list inside a co_await expression.
template <class H, class... More>
std::vector<H> list(const H& first, const More&... more) {
    return {first, more...};
}

template <class H>
constexpr bool kWaits = requires(std::vector<H> members) { weft::wait(std::move(members)); };

}  // namespace

static_assert(kWaits<Task<int>> && kWaits<Future<int>> && kWaits<weft::AnyFuture> && kWaits<weft::AnyTask>);

TEST_CASE("rule 124: an empty collection, an empty handle and an unknown mode are refused at the call") {
    // cpython: test_tasks.test_wait_errors
    // cpython: test_tasks.test_wait_invalid_args
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        CHECK(thrown_by([] { return wait(Tasks{}); }) == "error: Set of Tasks/Futures is empty.");
        CHECK_THROWS_AS((void)wait(Tasks{}), std::invalid_argument);
        CHECK_THROWS_AS((void)wait(Tasks{Task<int>()}), weft::InvalidStateError);
        const auto future = create_future<int>();
        const auto unknown = static_cast<weft::ReturnWhen>(17);
        CHECK_THROWS_AS((void)wait({future}, {.return_when = unknown}), std::invalid_argument);
        CHECK_FALSE(future.state().has_waiters());
        co_return;
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 125: done and pending hold the handles given, in their order, each once") {
    // cpython: test_tasks.test_wait
    // cpython: test_tasks.test_wait_duplicate_coroutines
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(after(300ms, 3));
        const auto b = create_task(after(150ms, 2));
        Tasks given{a, b, a, a, b};
        const auto [done, pending] = co_await wait(given);
        CHECK(done == Tasks{a, b});
        CHECK(pending.empty());
        CHECK(loop.now() == at(300ms));
        CHECK(given == Tasks{a, b, a, a, b});
        // done still, and again
        const auto again = co_await wait(list(b, a));
        CHECK(again.done == Tasks{b, a});
        CHECK(loop.now() == at(300ms));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 124, 125: any range of handles, of any type") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto task = create_task(after(1s, 1));
        const auto future = create_future<std::string>();
        later(2s, [&] { future.set_result("there"); });
        const std::vector<weft::AnyFuture> mixed{weft::AnyTask(task), future};
        const auto both = co_await wait(mixed);
        CHECK(both.done == mixed);
        const std::list<Task<int>> linked{task};
        const auto from_a_list = co_await wait(linked);
        CHECK(from_a_list.done.front() == task);
        const std::array<Future<int>, 2> array{task, task};
        const auto from_an_array = co_await wait(array);
        CHECK(from_an_array.done.size() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 126: a member's failure is neither raised nor retrieved") {
    // cpython: test_tasks.test_wait_with_exception
    const Reports reports;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        {
            const auto good = create_task(after(150ms, 1));
            const auto bad = create_task(fails_after(150ms, "err"));
            const auto gone = create_task(after(1h, 1));
            later(200ms, [gone] { gone.cancel(); });
            const auto result = co_await wait(list(good, bad, gone));
            CHECK(result.done == Tasks{good, bad, gone});
            CHECK(thrown_by([&] { return bad.result(); }) == "error: err");
            CHECK(gone.cancelled());
        }
        CHECK(reports.all().empty());
        const auto unseen = create_future<int>();
        unseen.set_exception(std::runtime_error("nobody looks"));
        (void)co_await wait(list(unseen));
    };
    loop.run_until_complete(body());
    CHECK(reports.count("Future exception was never retrieved") == 1);
}

TEST_CASE("rules 126, 132: a cancelled waiter leaves the members alone, and nothing behind") {
    // cpython: test_tasks.test_yield_wait_does_not_shield_cancel
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto member = create_task(after(5s, 1));
        const auto future = create_future<int>();
        const std::vector<weft::AnyFuture> members{weft::AnyTask(member), future};
        const auto waiter = create_task(wait(members, {.timeout = 1h}));
        co_await sleep(1s);
        CHECK(member.state().has_waiters());
        CHECK(loop.loop().armed_timers() == 2);  // the member's sleep, the timeout
        waiter.cancel("waiter only");
        const std::string how = co_await ended(waiter);
        CHECK(how == "cancelled: waiter only");
        CHECK_FALSE(member.state().has_waiters());
        CHECK_FALSE(future.state().has_waiters());
        CHECK(loop.loop().armed_timers() == 1);
        CHECK(member.cancelling() == 0);
        const int value = co_await member;
        CHECK(value == 1);
        CHECK(loop.now() == at(5s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 127: FIRST_COMPLETED returns after any member, cancelled and failed ones included") {
    // cpython: test_tasks.test_wait_first_completed
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto slow = create_task(after(10s, 1));
        const auto quick = create_task(after(100ms, 2));
        const auto first = co_await wait(list(slow, quick), {.return_when = FIRST_COMPLETED});
        CHECK(first.done == Tasks{quick});
        CHECK(first.pending == Tasks{slow});
        CHECK_FALSE(slow.state().has_waiters());  // rule 132
        CHECK(loop.now() == at(100ms));

        const auto gone = create_task(after(10s, 3));
        later(100ms, [&] { gone.cancel(); });
        const auto second = co_await wait(list(slow, gone), {.return_when = FIRST_COMPLETED});
        CHECK(second.done == Tasks{gone});
        CHECK(loop.now() == at(200ms));

        const auto bad = create_task(fails_after(100ms, "bad"));
        const auto third = co_await wait(list(slow, bad), {.return_when = FIRST_COMPLETED});
        CHECK(third.done == Tasks{bad});
        CHECK(thrown_by([&] { return bad.result(); }) == "error: bad");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 128: FIRST_EXCEPTION returns at the first failure") {
    // cpython: test_tasks.test_wait_first_exception
    // cpython: test_tasks.test_wait_first_exception_in_wait
    const Reports reports;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto slow = create_task(after(10s, 1));
        const auto early = create_task(after(1s, 2));
        const auto bad = create_task(fails_after(2s, "bad"));
        const auto result = co_await wait(list(slow, early, bad), {.return_when = FIRST_EXCEPTION});
        CHECK(loop.now() == at(2s));
        CHECK(result.done == Tasks{early, bad});
        CHECK(result.pending == Tasks{slow});
        CHECK_FALSE(slow.state().has_waiters());

        // failed before the call: the next turn
        const auto late = co_await wait(list(slow, bad), {.return_when = FIRST_EXCEPTION});
        CHECK(loop.now() == at(2s));
        CHECK(late.done == Tasks{bad});
    };
    loop.run_until_complete(body());
    CHECK(reports.count("never retrieved") == 0);  // FIRST_EXCEPTION looked at it
}

TEST_CASE("rule 128: a cancelled member is no failure, and without one all are waited for") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto gone = create_task(after(1h, 1));
        const auto other = create_task(after(5s, 2));
        later(1s, [&] { gone.cancel(); });
        const auto quick = create_task(after(2s, 3));
        const auto result = co_await wait(list(gone, other, quick), {.return_when = FIRST_EXCEPTION});
        CHECK(loop.now() == at(5s));
        CHECK(result.done == Tasks{gone, other, quick});

        // A CancelledError that was set is a failure: rule 36.
        const auto a = create_future<int>();
        const auto b = create_future<int>();
        later(1s, [&] { a.set_exception(weft::CancelledError()); });
        const auto set = co_await wait(list(a, b), {.return_when = FIRST_EXCEPTION});
        CHECK(loop.now() == at(6s));
        CHECK(set.pending == std::vector{b});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 129: done is computed when the waiter resumes, not at the trigger") {
    // cpython: test_tasks.test_wait_really_done
    // cpython: test_tasks.test_wait_concurrent_complete
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_future<int>();
        const auto b = create_future<int>();
        const auto c = create_future<int>();
        const auto waiter = create_task(wait({a, b, c}, {.return_when = FIRST_COMPLETED}));
        co_await sleep(0s);
        a.set_result(1);
        co_await sleep(0s);  // the trigger: the watcher runs in this turn
        b.set_result(2);
        const auto result = co_await waiter;
        CHECK(result.done == std::vector{a, b});
        CHECK(result.pending == std::vector{c});

        const auto x = create_task(after(100ms, 1));
        const auto y = create_task(after(200ms, 1));
        co_await sleep(0s);  // x's timer comes before the timeout's
        const auto timed = co_await wait(list(x, y), {.timeout = 100ms});
        CHECK(timed.done == Tasks{x});
        CHECK(timed.pending == Tasks{y});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 126, 130: a timeout returns what is done so far, without an exception") {
    // cpython: test_tasks.test_wait_with_timeout
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(after(100ms, 1));
        const auto b = create_task(after(150ms, 2));
        const auto result = co_await wait(list(a, b), {.timeout = 110ms});
        CHECK(loop.now() == at(110ms));
        CHECK(result.done == Tasks{a});
        CHECK(result.pending == Tasks{b});
        CHECK(b.cancelling() == 0);
        CHECK_FALSE(b.state().has_waiters());
        const int value = co_await b;
        CHECK(value == 2);
    };
    loop.run_until_complete(body());
    CHECK(loop.loop().armed_timers() == 0);
}

TEST_CASE("rule 130: timeout zero, or less, is a poll") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto done = create_future<int>();
        done.set_result(1);
        const auto pending = create_future<int>();
        for (const weft::Duration none : {weft::Duration(0s), weft::Duration(-1s), weft::Duration::min()}) {
            const auto result = co_await wait(list(done, pending), {.timeout = none});
            CHECK(result.done == std::vector{done});
            CHECK(result.pending == std::vector{pending});
            CHECK(loop.now() == at(0s));
            CHECK_FALSE(pending.state().has_waiters());
        }
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 130: the timeout counts from the call; the longest one does not wrap to the past") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto never = create_future<int>();
        auto waits = wait({never}, {.timeout = 3s});
        co_await sleep(2s);
        (void)co_await std::move(waits);
        CHECK(loop.now() == at(3s));

        const auto soon_done = create_task(after(1s, 1));
        const auto result = co_await wait(list(soon_done), {.timeout = weft::Duration::max()});
        CHECK(result.done == Tasks{soon_done});
        CHECK(loop.now() == at(4s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 107, 131: members that are done still cost a suspension, and two turns") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto done = create_future<int>();
        done.set_result(1);
        for (const auto when : {FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED}) {
            bool other_ran = false;
            soon([&] { other_ran = true; });
            const int turn = loop.turns();
            (void)co_await wait(list(done), {.return_when = when});
            CHECK(other_ran);
            CHECK(loop.turns() - turn == 2);
        }
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 103: two turns from the trigger to the waiter") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        auto waits = [&]() -> Coro<int> {
            (void)co_await wait(list(future));
            co_return loop.turns();
        };
        const auto waiter = create_task(waits());
        co_await sleep(0s);
        const int turn = loop.turns();
        future.set_result(1);
        const int resumed = co_await waiter;
        CHECK(resumed - turn == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 132: the timer is disarmed when a member is done; it wakes nobody later") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto member = create_task(after(1s, 1));
        (void)co_await wait(list(member), {.timeout = 100s});
        CHECK(loop.now() == at(1s));
        CHECK(loop.loop().armed_timers() == 0);
        co_await sleep(1s);
        CHECK(loop.now() == at(2s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 132: a callback and a second waiter on the same member keep their places") {
    VirtualLoop loop;
    std::vector<std::string> log;
    auto body = [&]() -> Coro<> {
        const auto member = create_future<int>();
        auto waits = [&](std::string name) -> Coro<> {
            (void)co_await wait(list(member));
            log.push_back(name);
        };
        member.add_done_callback([&](const Future<int>&) { log.emplace_back("callback 1"); });
        const auto a = create_task(waits("a"));
        const auto b = create_task(waits("b"));
        const auto c = create_task(waits("c"));
        co_await sleep(0s);
        member.add_done_callback([&](const Future<int>&) { log.emplace_back("callback 2"); });
        b.cancel();
        co_await sleep(0s);
        member.set_result(1);
        co_await turns(4);
        CHECK(log == std::vector<std::string>{"callback 1", "callback 2", "a", "c"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("wait: a cancel in the turn of the trigger goes before the result; nothing is left in the list") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        const auto other = create_future<int>();
        const auto waiter = create_task(wait({future, other}, {.return_when = FIRST_COMPLETED}));
        co_await sleep(0s);
        future.set_result(1);
        co_await sleep(0s);  // the waiter's future is done, the waiter not resumed
        CHECK(waiter.cancel());
        const std::string how = co_await ended(waiter);
        CHECK(how == "cancelled");
        CHECK_FALSE(other.state().has_waiters());
    };
    loop.run_until_complete(body());
}

TEST_CASE("wait: on a closing loop it leaks nothing") {
    const Reports reports;
    const Future<int> never = create_future<int>();
    const Future<int> done = create_future<int>();
    {
        VirtualLoop loop;
        (void)loop.create(wait({never, done}, {.timeout = 1h}));
        loop.turn(2);
        done.set_result(1);  // its entry is queued when the loop closes
        CHECK(never.state().has_waiters());
    }
    CHECK_FALSE(never.state().has_waiters());
    CHECK(reports.count("Task was destroyed but it is pending!") == 1);
    never.set_result(1);
}
