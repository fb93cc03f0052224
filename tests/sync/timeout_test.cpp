#include "sync/timeout.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sync/task_group.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/timed.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::CancelledError;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::Duration;
using weft::sleep;
using weft::timeout;
using weft::Timeout;
using weft::timeout_at;
using weft::TimeoutError;
using weft::TimePoint;
using weft::test::after;
using weft::test::at;
using weft::test::ended;
using weft::test::later;
using weft::test::Reports;
using weft::test::soon;
using weft::test::thrown_by;
using weft::test::turns;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

const std::string kTimedOut = "error: timed out";

Coro<> sleeps(Duration duration) { co_await sleep(duration); }

// Notes how its sleep ends, and lets the CancelledError go on.
Coro<> notes(Duration duration, Log& log) {
    const std::string how = co_await ended(sleep(duration));
    log.push_back(how);
    if (how != "value") throw CancelledError();
}

// A task with one request that was swallowed and never taken back.
Coro<> swallow_a_request() {
    current_task().cancel("old");
    const std::string how = co_await ended(sleep(1s));
    CHECK(how == "cancelled: old");
    CHECK(current_task().cancelling() == 1);
}

}  // namespace

TEST_CASE("timeout: it gives the body's value, whatever the body is") {
    // cpython: test_timeouts.test_timeout_not_called
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(10s);
        CHECK(scope.when() == at(10s));
        auto makes_a_coro = []() -> Coro<int> { co_return co_await sleep(10ms, 1); };
        const int value = co_await scope.run(makes_a_coro);
        CHECK(value == 1);
        CHECK_FALSE(scope.expired());
        CHECK(scope.when() == at(10s));
        CHECK(loop.now() == at(10ms));
        CHECK(loop.loop().armed_timers() == 0);

        auto sees_the_scope = [](Timeout& mine) -> Coro<std::optional<TimePoint>> {
            co_await sleep(0s);
            co_return mine.when();
        };
        const std::optional<TimePoint> seen = co_await timeout(1s, sees_the_scope);
        CHECK(seen == at(1010ms));
        const int of_coro = co_await timeout(1s, after(1ms, 2));
        CHECK(of_coro == 2);
        const int of_awaiter = co_await timeout(1s, sleep(1ms, 3));
        CHECK(of_awaiter == 3);
        const auto task = create_task(after(1ms, 4));
        const int of_handle = co_await timeout_at(loop.now() + 1s, task);
        CHECK(of_handle == 4);
        auto moves = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
        const std::unique_ptr<int> moved = co_await timeout(1s, moves);
        CHECK(*moved == 5);
        co_await timeout(1s, sleeps(1ms));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 157, 159, 160: a scope that expires cancels its task once, and turns that into TimeoutError") {
    // cpython: test_timeouts.test_timeout_basic
    // cpython: test_timeouts.test_waiter_cancelled
    // cpython: test_timeouts.test_outer_task_is_not_cancelled
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Log log;
        Timeout scope(10ms);
        const std::string how = co_await ended(scope.run(notes(10s, log)));
        CHECK(how == kTimedOut);
        CHECK(log == Log{"cancelled"});
        CHECK(scope.expired());
        CHECK(scope.when() == at(10ms));
        CHECK(loop.now() == at(10ms));
        CHECK(current_task().cancelling() == 0);

        auto outer = []() -> Coro<> {
            const std::string inside = co_await ended(timeout(1ms, sleep(10s)));
            CHECK(inside == kTimedOut);
        };
        const auto task = create_task(outer());
        co_await task;
        CHECK_FALSE(task.cancelled());
        CHECK(task.cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 157, 174: timeout_at takes loop time; timeout and Timeout count from the call") {
    // cpython: test_timeouts.test_timeout_at_basic
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope = Timeout::at(loop.now() + 10ms);
        const std::string how = co_await ended(scope.run(sleep(10s)));
        CHECK(how == kTimedOut);
        CHECK(scope.when() == at(10ms));
        const std::string direct = co_await ended(timeout_at(at(1s), sleep(10s)));
        CHECK(direct == kTimedOut);
        CHECK(loop.now() == at(1s));

        Timeout early(2s);
        auto called = timeout(2s, sleep(10s));
        co_await sleep(1s);
        const std::string first = co_await ended(early.run(sleep(10s)));
        CHECK(first == kTimedOut);
        CHECK(loop.now() == at(3s));
        const std::string second = co_await ended(std::move(called));
        CHECK(second == kTimedOut);
        CHECK(loop.now() == at(3s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 157: a scope is used once, whether it is in use or ended") {
    // cpython: test_timeouts.test_timeout_already_entered
    // cpython: test_timeouts.test_timeout_double_enter
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(10ms);
        std::string inside;
        auto enters_again = [&](Timeout& same) -> Coro<> { inside = co_await ended(same.run(sleep(0s))); };
        co_await scope.run(enters_again);
        CHECK(inside == "error: Timeout has already been entered");
        const std::string again = co_await ended(scope.run(sleep(0s)));
        CHECK(again == "error: Timeout has already been entered");
        CHECK_FALSE(scope.expired());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 157: outside tasks it is refused") {
    // cpython: test_timeouts.test_timeout_without_task
    VirtualLoop loop;
    std::string how;
    loop.call_soon([&] {
        auto* state = new weft::sync::TimeoutState(weft::sync::Deadline::after(1s));
        how = thrown_by([&] {
            state->enter();
            return 0;
        });
        state->release();
    });
    loop.turn();
    CHECK(how == "error: Timeout should be used inside a task");
    CHECK(loop.loop().armed_timers() == 0);
}

TEST_CASE("rules 106, 157: no deadline arms nothing, and the block as such does not suspend") {
    // cpython: test_timeouts.test_timeout_disabled
    // cpython: test_timeouts.test_timeout_at_disabled
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        for (const bool relative : {true, false}) {
            std::optional<Timeout> scope;
            if (relative) scope.emplace(std::optional<Duration>());
            Timeout absolute = Timeout::at(std::nullopt);
            Timeout& used = relative ? *scope : absolute;
            auto looks = [&]() -> Coro<> {
                CHECK(loop.loop().armed_timers() == 0);
                co_await sleep(10s);
            };
            co_await used.run(looks);
            CHECK_FALSE(used.expired());
            CHECK(used.when() == std::nullopt);
        }
        bool other_ran = false;
        soon([&] { other_ran = true; });
        auto nothing = []() -> Coro<int> { co_return 1; };
        (void)co_await timeout(1s, nothing);
        (void)co_await timeout(std::nullopt, nothing);
        CHECK_FALSE(other_ran);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 158: a deadline at or before now expires in the next turn, if the body suspends") {
    // cpython: test_timeouts.test_timeout_zero
    // cpython: test_timeouts.test_timeout_zero_sleep_zero
    // cpython: test_timeouts.test_timeout_in_the_past_sleep_zero
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        for (const Duration delay : {Duration(0s), Duration(-11s), Duration::min()}) {
            for (const Duration nap : {Duration(10s), Duration(0s)}) {
                Timeout scope(delay);
                Log log;
                auto naps = [&](Timeout& mine) -> Coro<> {
                    CHECK_FALSE(mine.expired());
                    const int turn = loop.turns();
                    const std::string how = co_await ended(sleep(nap));
                    CHECK(mine.expired());
                    // sleep(0) is in the queue behind the expiry; another sleep is cancelled by it, a turn later it wakes
                    CHECK(loop.turns() - turn == (nap == 0s ? 1 : 2));
                    log.push_back(how);
                    throw CancelledError();
                };
                const std::string how = co_await ended(scope.run(naps));
                CHECK(how == kTimedOut);
                CHECK(log == Log{"cancelled"});
                CHECK(current_task().cancelling() == 0);
            }
            auto never_suspends = []() -> Coro<int> { co_return 1; };
            const int value = co_await timeout(delay, never_suspends);
            CHECK(value == 1);
            co_await turns(2);  // nothing comes later
            CHECK(current_task().cancelling() == 0);
        }
        CHECK(loop.now() == at(0s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 161: an outside cancel as well: CancelledError passes, and the scope is expired nevertheless") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(1s);
        auto runs = [&]() -> Coro<std::string> { co_return co_await ended(scope.run(sleep(10s))); };
        const auto task = create_task(runs());
        co_await sleep(0s);
        later(1s, [&] { task.cancel("outside"); });
        const std::string how = co_await task;
        CHECK(how.starts_with("cancelled"));
        CHECK(scope.expired());
        CHECK(task.cancelling() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 161: cancelled by somebody else before its time: not expired") {
    // cpython: test_timeouts.test_foreign_cancel_doesnt_timeout_if_not_expired
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(10s);
        auto cancels_itself = []() -> Coro<> {
            current_task().cancel("self");
            co_await sleep(10s);
        };
        auto runs = [&]() -> Coro<> { co_await scope.run(cancels_itself); };
        const auto task = create_task(runs());
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled: self");
        CHECK_FALSE(scope.expired());
        CHECK(task.cancelled());
        CHECK(task.cancelling() == 1);
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 160: a CancelledError from elsewhere is converted only if the scope expired") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto child = create_task(sleeps(10s));
        later(1s, [&] { child.cancel("child"); });
        Timeout scope(5s);
        const std::string how = co_await ended(scope.run(child));
        CHECK(how == "cancelled: child");
        CHECK_FALSE(scope.expired());
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 162: a body that swallows the cancel ends normally, the count restored") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(1s);
        auto swallows = [](Timeout& mine) -> Coro<int> {
            const std::string how = co_await ended(sleep(10s));
            CHECK(how == "cancelled");
            CHECK(mine.expired());
            CHECK(current_task().cancelling() == 1);
            co_await sleep(1s);  // and goes on
            co_return 7;
        };
        const int value = co_await scope.run(swallows);
        CHECK(value == 7);
        CHECK(scope.expired());
        CHECK(current_task().cancelling() == 0);
        CHECK(loop.now() == at(2s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 163: another exception of the body passes, the count restored") {
    // cpython: test_timeouts.test_foreign_exception_passed
    // cpython: test_timeouts.test_foreign_exception_on_timeout
    // cpython: test_timeouts.test_foreign_exception_on_timeout_2
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto fails = []() -> Coro<> {
            throw std::out_of_range("key");
            co_return;
        };
        Timeout early(1s);
        const std::string at_once = co_await ended(early.run(fails));
        CHECK(at_once == "error: key");
        CHECK_FALSE(early.expired());

        auto fails_in_cleanup = []() -> Coro<> {
            const std::string how = co_await ended(sleep(10s));
            throw std::domain_error("cleanup after " + how);
        };
        Timeout late(1s);
        const std::string after_expiry = co_await ended(late.run(fails_in_cleanup));
        CHECK(after_expiry == "error: cleanup after cancelled");
        CHECK(late.expired());
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 164: left before its time it never expires; a body that blocks past it is not timed out") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(2s);
        co_await scope.run(sleep(1s));
        CHECK(loop.loop().armed_timers() == 0);
        co_await sleep(10s);
        CHECK_FALSE(scope.expired());
        CHECK(current_task().cancelling() == 0);

        Timeout blocked(1s);
        auto blocks = [&]() -> Coro<int> {
            loop.advance(5s);
            co_return 3;
        };
        const int value = co_await blocked.run(blocks);
        CHECK(value == 3);
        CHECK_FALSE(blocked.expired());
        co_await turns(3);
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 165: expired from the moment of expiry, also while the body unwinds; when() stays") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(1s);
        bool before = true;
        later(999ms, [&] { before = scope.expired(); });
        bool unwinding = false;
        auto unwinds = [&](Timeout& mine) -> Coro<> {
            (void)co_await ended(sleep(10s));
            co_await sleep(5s);
            unwinding = mine.expired() && mine.when() == at(1s);
            throw CancelledError();
        };
        const std::string how = co_await ended(scope.run(unwinds));
        CHECK_FALSE(before);
        CHECK(unwinding);
        CHECK(how == kTimedOut);
        CHECK(scope.when() == at(1s));
        CHECK(loop.now() == at(6s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 166: reschedule later, earlier, to never, to the past, and from never") {
    // cpython: test_timeouts.test_reschedule
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto postpones = [&](Timeout& mine) -> Coro<> {
            mine.reschedule(at(5s));
            CHECK(mine.when() == at(5s));
            CHECK(loop.loop().armed_timers() == 1);
            co_await sleep(3s);
            CHECK_FALSE(mine.expired());
            co_await sleep(100s);
        };
        const std::string later_on = co_await ended(timeout(1s, postpones));
        CHECK(later_on == kTimedOut);
        CHECK(loop.now() == at(5s));

        auto disarms = [&](Timeout& mine) -> Coro<int> {
            mine.reschedule(std::nullopt);
            CHECK(mine.when() == std::nullopt);
            CHECK(loop.loop().armed_timers() == 0);
            co_return co_await sleep(95s, 1);
        };
        const int never = co_await timeout(1s, disarms);
        CHECK(never == 1);
        CHECK(loop.now() == at(100s));

        auto hurries = [&](Timeout& mine) -> Coro<> {
            co_await sleep(1s);
            mine.reschedule(loop.now());
            CHECK(loop.loop().armed_timers() == 0);
            CHECK_FALSE(mine.expired());
            co_await sleep(100s);
        };
        const std::string at_once = co_await ended(timeout(50s, hurries));
        CHECK(at_once == kTimedOut);
        CHECK(loop.now() == at(101s));

        auto late = [&](Timeout& mine) -> Coro<> {
            co_await sleep(1s);
            mine.reschedule(at(103s));
            co_await sleep(100s);
        };
        const std::string given_late = co_await ended(timeout(std::nullopt, late));
        CHECK(given_late == kTimedOut);
        CHECK(loop.now() == at(103s));

        // to the past, and back before the turn is over
        auto wavers = [&](Timeout& mine) -> Coro<int> {
            mine.reschedule(at(1s));
            mine.reschedule(loop.now() + 10s);
            co_return co_await sleep(1s, 2);
        };
        const int wavering = co_await timeout(1s, wavers);
        CHECK(wavering == 2);
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 166: by another task, while the body sleeps") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(10s);
        auto runs = [&]() -> Coro<> { co_await scope.run(sleep(50s)); };
        const auto task = create_task(runs());
        co_await sleep(1s);
        scope.reschedule(at(30s));
        CHECK(scope.when() == at(30s));
        scope.reschedule(std::nullopt);
        task.cancel();
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled");
        CHECK_FALSE(scope.expired());
        CHECK(loop.now() == at(1s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 166: reschedule is for scopes in use only") {
    // cpython: test_timeouts.test_timeout_not_entered
    // cpython: test_timeouts.test_timeout_expiring
    // cpython: test_timeouts.test_timeout_expired
    // cpython: test_timeouts.test_timeout_finished
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto refused = [](Timeout& scope) {
            return thrown_by([&] {
                scope.reschedule(at(20s));
                return 0;
            });
        };
        Timeout scope(1s);
        CHECK(refused(scope) == "error: Timeout has not been entered");
        std::string while_expiring;
        auto unwinds = [&](Timeout& mine) -> Coro<> {
            (void)co_await ended(sleep(10s));
            while_expiring = refused(mine);
            throw CancelledError();
        };
        const std::string how = co_await ended(scope.run(unwinds));
        CHECK(how == kTimedOut);
        CHECK(while_expiring == "error: Cannot change state of expiring Timeout");
        CHECK(refused(scope) == "error: Cannot change state of expired Timeout");
        CHECK(scope.when() == at(1s));
        Timeout in_time(1s);
        co_await in_time.run(sleep(0s));
        CHECK(refused(in_time) == "error: Cannot change state of finished Timeout");
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 167: nested, the inner expires first: only it raises, and the code between may go on") {
    // cpython: test_timeouts.test_nested_timeouts_loop_busy
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout outer(100ms);
        Timeout inner(10ms);
        std::string between;
        auto nests = [&]() -> Coro<> {
            auto blocks = [&]() -> Coro<> {
                loop.advance(50ms);
                co_await sleep(1s);
            };
            between = co_await ended(inner.run(blocks));
            CHECK(loop.now() == at(50ms));
            co_await sleep(10s);  // the outer one interrupts this
        };
        const std::string how = co_await ended(outer.run(nests));
        CHECK(between == kTimedOut);
        CHECK(how == kTimedOut);
        CHECK(loop.now() == at(100ms));
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 168: nested, the outer expires first: the inner lets CancelledError pass") {
    // cpython: test_timeouts.test_nested_timeouts
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout outer(1s);
        Timeout inner(5s);
        std::string passed;
        auto nests = [&]() -> Coro<> {
            passed = co_await ended(inner.run(sleep(10s)));
            throw CancelledError();
        };
        const std::string how = co_await ended(outer.run(nests));
        CHECK(passed == "cancelled");
        CHECK(how == kTimedOut);
        CHECK(outer.expired());
        CHECK_FALSE(inner.expired());
        CHECK(loop.now() == at(1s));
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 169: both expire before the body runs again: one CancelledError, the outer converts it") {
    // cpython: test_timeouts.test_nested_timeouts_concurrent
    for (const Duration inner_delay : {Duration(2ms), Duration(3ms), Duration(1ms)}) {
        VirtualLoop loop;
        auto body = [&]() -> Coro<> {
            Timeout outer(2ms);
            Timeout inner(inner_delay);
            std::string passed;
            int errors = 0;
            auto nests = [&]() -> Coro<> {
                auto blocks = [&]() -> Coro<> {
                    loop.advance(10ms);
                    const std::string how = co_await ended(sleep(1s));
                    CHECK(how == "cancelled");
                    ++errors;
                    CHECK(current_task().cancelling() == 2);
                    throw CancelledError();
                };
                passed = co_await ended(inner.run(blocks));
                CHECK(current_task().cancelling() == 1);
                throw CancelledError();
            };
            const std::string how = co_await ended(outer.run(nests));
            CHECK(passed == "cancelled");
            CHECK(how == kTimedOut);
            CHECK(errors == 1);
            CHECK(outer.expired());
            CHECK(inner.expired());
            CHECK(current_task().cancelling() == 0);
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("rule 170: a task with an old request can still use timeouts") {
    // cpython: test_timeouts.test_timeout_after_cancellation
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        co_await swallow_a_request();
        for (const Duration delay : {Duration(0s), Duration(1s)}) {
            const std::string how = co_await ended(timeout(delay, sleep(10s)));
            CHECK(how == kTimedOut);
            CHECK(current_task().cancelling() == 1);
        }
        co_await sleep(1s);  // nothing comes later
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 161, 170: with an old request, a new one inside the block is not a timeout") {
    // cpython: test_timeouts.test_cancel_in_timeout_after_cancellation
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        co_await swallow_a_request();
        auto cancels_itself = []() -> Coro<> {
            current_task().cancel("new");
            co_await sleep(2s);
        };
        const std::string how = co_await ended(timeout(1s, cancels_itself));
        CHECK(how == "cancelled: new");
        CHECK(current_task().cancelling() == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 171: expiry while the body unwinds from an outside cancel interrupts the cleanup") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Timeout scope(2s);
        Log log;
        auto cleans_up = [&]() -> Coro<> {
            log.push_back(co_await ended(sleep(10s)));
            log.push_back(co_await ended(sleep(10s)));
            throw CancelledError("from the body");
        };
        auto runs = [&]() -> Coro<> { co_await scope.run(cleans_up); };
        const auto task = create_task(runs());
        later(1s, [&] { task.cancel("by hand"); });
        const std::string how = co_await ended(task);
        CHECK(log == Log{"cancelled: by hand", "cancelled"});
        CHECK(how == "cancelled: from the body");
        CHECK(scope.expired());
        CHECK(loop.now() == at(2s));
        CHECK(task.cancelling() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 172: a timeout in a group's body is an ordinary failure; a group in a timeout ends without a group") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto group_body = [](weft::TaskGroup& group) -> Coro<> {
            group.create_task(sleeps(10s));
            co_await timeout(1s, sleep(10s));
        };
        std::string how;
        try {
            co_await weft::task_group(group_body);
        } catch (const weft::ExceptionGroup& group) {
            how = group.what();
        }
        CHECK(how == "unhandled errors in a TaskGroup (1 sub-exception)\n  - weft::TimeoutError: timed out");

        auto waits_for_children = [](weft::TaskGroup& group) -> Coro<> {
            group.create_task(sleeps(10s));
            group.create_task(sleeps(10s));
            co_return;
        };
        const std::string in_timeout = co_await ended(timeout(1s, weft::task_group(waits_for_children)));
        CHECK(in_timeout == kTimedOut);
        CHECK(loop.now() == at(2s));
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 163, 172: a group whose children fail on expiry comes out of the timeout as a group") {
    // cpython: test_timeouts.test_timeout_taskgroup
    VirtualLoop loop;
    auto crashes_in_cleanup = []() -> Coro<> {
        (void)co_await ended(sleep(2s));
        throw std::domain_error("crash in cleanup");
    };
    auto body = [&]() -> Coro<> {
        auto group_body = [&](weft::TaskGroup& group) -> Coro<> {
            group.create_task(crashes_in_cleanup());
            (void)co_await ended(sleep(1s));
            throw std::runtime_error("body, too");
        };
        Timeout scope(10ms);
        std::size_t errors = 0;
        try {
            co_await scope.run(weft::task_group(group_body));
        } catch (const weft::ExceptionGroup& group) {
            errors = group.exceptions().size();
        }
        CHECK(errors == 2);
        CHECK(scope.expired());
        CHECK(current_task().cancelling() == 0);
        co_await sleep(1s);  // nothing comes later
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 173: a child task made in the block is not timed out by it, unless it is awaited") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        weft::Task<int> free;
        auto starts_one = [&]() -> Coro<> {
            free = create_task(after(5s, 1));
            co_await sleep(10s);
        };
        const std::string how = co_await ended(timeout(1s, starts_one));
        CHECK(how == kTimedOut);
        CHECK(free.cancelling() == 0);
        const int value = co_await free;
        CHECK(value == 1);

        const auto awaited = create_task(after(5s, 2));
        const std::string of_awaited = co_await ended(timeout(1s, awaited));
        CHECK(of_awaited == kTimedOut);
        CHECK(awaited.cancelled());
        CHECK(awaited.cancelling() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 160, 167: a timeout in the cleanup of a timeout") {
    // cpython: test_timeouts.test_nested_timeout_in_finally
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        std::string inside;
        auto with_finally = [&]() -> Coro<> {
            (void)co_await ended(sleep(1s));
            inside = co_await ended(timeout(10ms, sleep(10s)));
            throw CancelledError();
        };
        const std::string how = co_await ended(timeout(10ms, with_finally));
        CHECK(inside == kTimedOut);
        CHECK(how == kTimedOut);
        CHECK(loop.now() == at(20ms));
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE(
    "rule 159: the timer itself throws nothing: what was awaited decides, and a result due in that turn is lost") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        later(1s, [&] { future.set_result(1); });
        Timeout scope(1s);
        const std::string how = co_await ended(scope.run(future));
        CHECK(how == kTimedOut);  // rule 78
        CHECK(future.result() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("timeout: a callable that throws before it gives a coroutine, and one with captures that lives in the call") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto throws = []() -> Coro<> { throw std::runtime_error("no coroutine"); };
        const std::string how = co_await ended(timeout(1s, throws));
        CHECK(how == "error: no coroutine");
        CHECK(loop.loop().armed_timers() == 0);
        auto held = std::make_shared<int>(5);
        auto reads = [held]() -> Coro<int> {
            co_await sleep(1ms);
            co_return *held;
        };
        auto limited = timeout(1s, std::move(reads));
        const int value = co_await std::move(limited);
        CHECK(value == 5);
    };
    loop.run_until_complete(body());
}

TEST_CASE("timeout: in a branch of a fork_join it is the branch that is timed out") {
    VirtualLoop loop;
    auto limited = [](Duration time) -> Coro<std::string> { co_return co_await ended(timeout(time, sleep(5s))); };
    auto body = [&]() -> Coro<> {
        const auto [a, b] = co_await weft::fork_join(limited(1s), limited(10s));
        CHECK(a == kTimedOut);
        CHECK(b == "value");
        CHECK(loop.now() == at(5s));
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
    CHECK(loop.loop().armed_timers() == 0);
}

TEST_CASE("timeout: on a closing loop it leaks nothing, and its handle may outlive the loop") {
    const Reports reports;
    auto held = std::make_shared<int>(1);
    std::optional<Timeout> scope;
    {
        VirtualLoop loop;
        auto holds = [](std::shared_ptr<int>) -> Coro<> { co_await sleep(1h); };
        auto runs = [&]() -> Coro<> {
            scope.emplace(2h);
            co_await scope->run(holds(held));
        };
        (void)loop.create(runs());
        (void)loop.create(timeout(-1s, holds(held)));
        loop.turn(1);
        CHECK(held.use_count() == 3);
    }
    CHECK(held.use_count() == 1);
    CHECK(scope->when() == at(2h));
    CHECK_FALSE(scope->expired());
}

TEST_CASE("rules 160 and 191: a scope leaves what a group asked for again undelivered while older requests count") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto fails = []() -> Coro<> {
            throw std::runtime_error("child");
            co_return;
        };
        auto inside = [&fails](weft::TaskGroup& group) -> Coro<> {
            (void)group.create_task(fails());
            co_await sleep(1h);
        };
        std::string how;
        auto never_suspends_again = [&]() -> Coro<> {
            co_await swallow_a_request();
            try {
                co_await timeout(0s, weft::task_group(inside));
            } catch (const weft::ExceptionGroup&) {
                how = "group";
            }
        };
        const auto task = create_task(never_suspends_again());
        const std::string ending = co_await ended(task);
        CHECK(how == "group");
        CHECK(ending == "cancelled");  // rule 84
        CHECK(task.cancelling() == 1);
    };
    loop.run_until_complete(body());
}
