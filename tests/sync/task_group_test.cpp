#include "sync/task_group.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/context_var.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
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
using weft::ExceptionGroup;
using weft::sleep;
using weft::Task;
using weft::task_group;
using weft::TaskGroup;
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

using Log = std::vector<std::string>;

namespace {

// An exception that `catch (const std::exception&)` does not see.
struct BaseError {};

std::string in_words(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const ExceptionGroup& group) {
        std::string text;
        for (const auto& member : group.exceptions()) text += (text.empty() ? "" : ", ") + in_words(member);
        return "[" + text + "]";
    } catch (const CancelledError& error) {
        return weft::test::in_words(error);
    } catch (const weft::KeyboardInterrupt&) {
        return "KeyboardInterrupt";
    } catch (const weft::SystemExit& exit) {
        return "SystemExit " + std::to_string(exit.code());
    } catch (const BaseError&) {
        return "BaseError";
    } catch (const std::exception& error) {
        return error.what();
    }
}

// How a group, or a task with one, ends: "value", or the exception, with a group's members in brackets.
template <class A>
Coro<std::string> outcome(A awaitable) {
    std::exception_ptr failure;
    try {
        (void)co_await std::move(awaitable);
    } catch (...) {
        failure = std::current_exception();
    }
    co_return failure == nullptr ? "value" : in_words(failure);
}

Coro<> sleeps(Duration duration) { co_await sleep(duration); }

// Sleeps, and if it is cancelled raises something else.
Coro<int> sour(Duration duration, std::string text) {
    const std::string how = co_await ended(sleep(duration));
    if (how != "value") throw std::runtime_error(text);
    co_return 0;
}

// Notes its name when it is cancelled, after a cleanup.
Coro<> cleans_up(std::string name, Duration cleanup, Log& log) {
    const std::string how = co_await ended(sleep(1h));
    if (cleanup > 0s) co_await sleep(cleanup);
    log.push_back(name);
    if (how != "value") throw CancelledError();
}

// Runs a test's coroutine in a task of its own on a new loop.
template <class Body>
void in_loop(Body body) {
    VirtualLoop loop;
    loop.run_until_complete(body(loop));
    CHECK(loop.loop().armed_timers() == 0);
}

}  // namespace

TEST_CASE("rule 183: it waits for its children, gives the body's value; results are in the tasks") {
    // cpython: test_taskgroups.test_taskgroup_01
    // cpython: test_taskgroups.test_taskgroup_02
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Task<int> first;
        Task<int> second;
        auto starts = [&](TaskGroup& group) -> Coro<std::string> {
            first = group.create_task(after(100ms, 42));
            co_await sleep(50ms);
            second = group.create_task(after(150ms, 11));
            co_return "the body's value";
        };
        const std::string value = co_await task_group(starts);
        CHECK(value == "the body's value");
        CHECK(first.result() == 42);
        CHECK(second.result() == 11);
        CHECK(loop.now() == at(200ms));
    });
}

TEST_CASE("rule 183: children may start siblings, also while the group waits at its end") {
    // cpython: test_taskgroups.test_taskgroup_24
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Log log;
        TaskGroup group;
        auto leaf = [&](std::string name, Duration delay) -> Coro<> {
            co_await sleep(delay);
            log.push_back(name);
        };
        auto root = [&]() -> Coro<> {
            co_await sleep(1s);
            group.create_task(leaf("a", 2s));
            group.create_task(leaf("b", 1s));
        };
        auto starts = [&](TaskGroup& same) -> Coro<> {
            same.create_task(root());
            co_return;
        };
        co_await group.run(starts);
        CHECK(log == Log{"b", "a"});
        CHECK(loop.now() == at(3s));
    });
}

TEST_CASE("rule 183: children come and go; the group does not keep what is done") {
    // cpython: test_taskgroups.test_taskgroup_23
    in_loop([](VirtualLoop& loop) -> Coro<> {
        auto counted = std::make_shared<int>(0);
        auto job = [](std::shared_ptr<int>) -> Coro<> { co_await sleep(300ms); };
        auto starts = [&](TaskGroup& group) -> Coro<> {
            for (int i = 0; i < 10; ++i) {
                co_await sleep(100ms);
                group.create_task(job(counted));
                CHECK(counted.use_count() <= 5);
            }
            co_await sleep(1s);
            CHECK(counted.use_count() == 1);
        };
        co_await task_group(starts);
        CHECK(loop.now() == at(2s));
    });
}

TEST_CASE("rules 181, 182: usable once, and create_task only inside the block") {
    // cpython: test_taskgroups.test_taskgroup_already_entered
    // cpython: test_taskgroups.test_taskgroup_double_enter
    // cpython: test_taskgroups.test_taskgroup_finished
    // cpython: test_taskgroups.test_taskgroup_not_entered
    in_loop([](VirtualLoop&) -> Coro<> {
        TaskGroup group;
        bool started = false;
        auto child = [&]() -> Coro<> {
            started = true;
            co_return;
        };
        const auto refused = [&] { return thrown_by([&] { return group.create_task(child()); }); };
        CHECK(refused() == "error: TaskGroup has not been entered");
        std::string entered_again;
        auto enters_again = [&](TaskGroup& same) -> Coro<> {
            auto nothing = [](TaskGroup&) -> Coro<> { co_return; };
            entered_again = co_await ended(same.run(nothing));
        };
        co_await group.run(enters_again);
        CHECK(entered_again == "error: TaskGroup has already been entered");
        auto nothing = [](TaskGroup&) -> Coro<> { co_return; };
        const std::string again = co_await ended(group.run(nothing));
        CHECK(again == "error: TaskGroup has already been entered");
        CHECK(refused() == "error: TaskGroup is finished");
        CHECK(thrown_by([&] { return group.spawn(child); }) == "error: TaskGroup is finished");
        CHECK(thrown_by([&] { return group.spawn({.name = "x"}, child); }) == "error: TaskGroup is finished");
        co_await turns(2);
        CHECK_FALSE(started);
    });
}

TEST_CASE("rule 181: entry needs a running task") {
    // cpython: test_taskgroups.test_taskgroup_without_parent_task
    VirtualLoop loop;
    std::string how;
    loop.call_soon([&] {
        const auto state = std::make_shared<weft::sync::TaskGroupState>();
        how = thrown_by([&] {
            state->enter();
            return 0;
        });
    });
    loop.turn();
    CHECK(how == "error: TaskGroup cannot determine the parent task");
}

TEST_CASE("rule 182: a coroutine that is refused is destroyed at once") {
    // cpython: test_taskgroups.test_coro_closed_when_tg_closed
    in_loop([](VirtualLoop&) -> Coro<> {
        auto held = std::make_shared<int>(1);
        auto holds = [](std::shared_ptr<int>) -> Coro<> { co_return; };
        TaskGroup group;
        CHECK(thrown_by([&] { return group.create_task(holds(held)); }) == "error: TaskGroup has not been entered");
        CHECK(held.use_count() == 1);
        auto nothing = [](TaskGroup&) -> Coro<> { co_return; };
        co_await group.run(nothing);
        CHECK(thrown_by([&] { return group.create_task(holds(held)); }) == "error: TaskGroup is finished");
        CHECK(held.use_count() == 1);
    });
}

TEST_CASE("rules 182, 189: no child is started while it aborts") {
    // cpython: test_taskgroups.test_taskgroup_no_create_task_after_failure
    in_loop([](VirtualLoop&) -> Coro<> {
        std::string from_a_child;
        std::string from_the_body;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            auto tries = [&]() -> Coro<> {
                (void)co_await ended(sleep(1h));
                from_a_child = thrown_by([&] { return group.create_task(after(1s, 1)); });
            };
            group.create_task(fails_after(1ms, "first"));
            group.create_task(tries());
            (void)co_await ended(sleep(1h));
            from_the_body = thrown_by([&] { return group.create_task(after(1s, 1)); });
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(from_a_child == "error: TaskGroup is shutting down");
        CHECK(from_the_body == "error: TaskGroup is shutting down");
        CHECK(how == "[first]");
    });
}

TEST_CASE("rule 184: a child that fails cancels the others and the body; count and message are restored") {
    // cpython: test_taskgroups.test_taskgroup_04
    // cpython: test_taskgroups.test_cancel_children_on_child_error
    // cpython: test_taskgroups.test_cancelling_level_preserved
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Log log;
        Task<> second;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(1s, "bad"));
            group.create_task(cleans_up("a", 0s, log));
            second = group.create_task(cleans_up("b", 2s, log));
            const std::string how = co_await ended(sleep(1h));
            log.push_back("body " + how);
            CHECK(current_task().cancelling() == 1);
            if (how != "value") throw CancelledError();
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[bad]");
        CHECK(log == Log{"a", "body cancelled", "b"});
        CHECK(second.cancelled());
        CHECK(second.cancelling() == 1);
        CHECK(loop.now() == at(3s));
        CHECK(current_task().cancelling() == 0);
        co_await sleep(1s);  // nothing comes later
    });
}

TEST_CASE("rule 184: while it waits at its end a failure cancels the wait, the others end, count restored") {
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Log log;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            group.create_task(cleans_up("a", 2s, log));
            group.create_task(fails_after(1s, "bad"));
            co_return;
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[bad]");
        CHECK(log == Log{"a"});
        CHECK(loop.now() == at(3s));
        CHECK(current_task().cancelling() == 0);
        co_await sleep(1s);
    });
}

TEST_CASE("rule 185: a cancelled child is no error and disturbs nobody") {
    // cpython: test_taskgroups.test_taskgroup_03
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Task<int> first;
        Task<int> second;
        auto starts = [&](TaskGroup& group) -> Coro<int> {
            first = group.create_task(after(1h, 42));
            co_await sleep(150ms);
            first.cancel();
            second = group.create_task(after(1s, 11));
            co_return 1;
        };
        const int value = co_await task_group(starts);
        CHECK(value == 1);
        CHECK(first.cancelled());
        CHECK(second.result() == 11);
        CHECK(loop.now() == at(1150ms));
    });
}

TEST_CASE("rule 186: failures during the abort are recorded in the order of their ends, the body's own comes last") {
    // cpython: test_taskgroups.test_taskgroup_19
    in_loop([](VirtualLoop&) -> Coro<> {
        auto starts = [&](TaskGroup& group) -> Coro<> {
            auto slow = []() -> Coro<> {
                (void)co_await ended(sleep(1h));
                co_await sleep(3s);
                throw std::runtime_error("slow");
            };
            group.create_task(slow());
            group.create_task(sour(1h, "quick"));
            group.create_task(fails_after(1s, "first"));
            (void)co_await ended(sleep(1h));
            throw std::runtime_error("body");
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[first, quick, slow, body]");
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rules 186, 187: two children that fail in one turn") {
    in_loop([](VirtualLoop& loop) -> Coro<> {
        auto starts = [&](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(1s, "a"));
            group.create_task(fails_after(1s, "b"));
            group.create_task(fails_after(2s, "never"));
            co_return;
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[a, b]");
        CHECK(loop.now() == at(1s));
    });
}

TEST_CASE("rule 187: the group's message, its type, and a single error wrapped") {
    in_loop([](VirtualLoop&) -> Coro<> {
        auto starts = [](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(0s, "alone"));
            co_return;
        };
        std::string message;
        std::size_t count = 0;
        try {
            co_await task_group(starts);
        } catch (const ExceptionGroup& group) {
            message = group.message();
            count = group.exceptions().size();
        }
        CHECK(message == "unhandled errors in a TaskGroup");
        CHECK(count == 1);
    });
}

TEST_CASE("rule 187: exceptions of any type, of the body or a child") {
    // cpython: test_taskgroups.test_taskgroup_20a
    // cpython: test_taskgroups.test_taskgroup_21a
    in_loop([](VirtualLoop&) -> Coro<> {
        auto base_after = [](Duration delay) -> Coro<> {
            (void)co_await ended(sleep(delay));
            throw BaseError();
        };
        auto base_in_body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(1s, "child"));
            co_await base_after(1h);
        };
        const std::string of_body = co_await outcome(task_group(base_in_body));
        CHECK(of_body == "[child, BaseError]");
        auto base_in_child = [&](TaskGroup& group) -> Coro<> {
            group.create_task(base_after(1s));
            (void)co_await sour(1h, "body");
        };
        const std::string of_child = co_await outcome(task_group(base_in_child));
        CHECK(of_child == "[BaseError, body]");
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rules 188, 194: the body fails before its children had a turn: they never start") {
    // cpython: test_taskgroups.test_taskgroup_09
    // cpython: test_taskgroups.test_taskgroup_10
    in_loop([](VirtualLoop& loop) -> Coro<> {
        bool started = false;
        Task<> child;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            auto notes = [&]() -> Coro<> {
                started = true;
                co_return;
            };
            child = group.create_task(notes());
            throw std::runtime_error("body");
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[body]");
        CHECK_FALSE(started);
        CHECK(child.cancelled());

        Task<int> first;
        Task<int> second;
        auto starts_first = [&](TaskGroup& group) -> Coro<> {
            first = group.create_task(after(1s, 42));
            second = group.create_task(after(2s, 11));
            co_await sleep(100ms);
            throw std::runtime_error("late");
        };
        const std::string later_on = co_await outcome(task_group(starts_first));
        CHECK(later_on == "[late]");
        CHECK(first.cancelled());
        CHECK(second.cancelled());
        CHECK(loop.now() == at(100ms));
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rule 189: a body that swallows the group's cancel goes on, and the error is raised all the same") {
    in_loop([](VirtualLoop& loop) -> Coro<> {
        auto starts = [&](TaskGroup& group) -> Coro<int> {
            group.create_task(fails_after(1s, "bad"));
            const std::string how = co_await ended(sleep(1h));
            CHECK(how == "cancelled");
            co_await sleep(1s);
            co_return 1;
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[bad]");
        CHECK(loop.now() == at(2s));
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rule 190: cancelled from outside in the body: children are cancelled and waited for") {
    // cpython: test_taskgroups.test_taskgroup_07
    // cpython: test_taskgroups.test_taskgroup_17
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Log log;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            for (const char* name : {"a", "b", "c"}) group.create_task(cleans_up(name, 1s, log));
            const std::string how = co_await ended(sleep(1h));
            log.push_back(how);
            throw CancelledError("from the body");
        };
        const auto task = create_task(task_group(starts));
        co_await sleep(1s);
        CHECK(task.cancel("outside"));
        const std::string how = co_await outcome(task);
        CHECK(how == "cancelled: from the body");
        CHECK(log == Log{"cancelled: outside", "a", "b", "c"});
        CHECK(task.cancelled());
        CHECK(task.cancelling() == 1);
        CHECK(loop.now() == at(2s));
    });
}

TEST_CASE("rules 190, 192: cancelled while it waits at its end, several times: the wait goes on") {
    // cpython: test_taskgroups.test_cancellation
    // cpython: test_taskgroups.test_taskgroup_22
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Log log;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            for (const char* name : {"a", "b", "c", "d", "e"}) group.create_task(cleans_up(name, 4s, log));
            co_return;
        };
        const auto task = create_task(task_group(starts));
        later(1s, [&] { task.cancel("one"); });
        later(2s, [&] { task.cancel("two"); });
        later(3s, [&] { task.cancel("three"); });
        co_await sleep(4s);
        CHECK_FALSE(task.done());
        CHECK(task.cancelling() == 3);
        CHECK(log.empty());
        const std::string how = co_await outcome(task);
        CHECK(how == "cancelled: one");
        CHECK(log == Log{"a", "b", "c", "d", "e"});
        CHECK(loop.now() == at(5s));
    });
}

TEST_CASE("rule 190: children answer an outside cancel with failures: the error group goes first") {
    // cpython: test_taskgroups.test_taskgroup_08
    in_loop([](VirtualLoop&) -> Coro<> {
        auto starts = [&](TaskGroup& group) -> Coro<> {
            for (const char* name : {"a", "b"}) group.create_task(sour(1h, name));
            co_await sleep(1h);
        };
        const auto task = create_task(task_group(starts));
        co_await sleep(1s);
        task.cancel();
        const std::string how = co_await outcome(task);
        CHECK(how == "[a, b]");
        CHECK_FALSE(task.cancelled());
        CHECK(task.cancelling() == 1);
    });
}

TEST_CASE("rule 190: a body that answers an outside cancel with another exception") {
    // cpython: test_taskgroups.test_taskgroup_18
    in_loop([](VirtualLoop&) -> Coro<> {
        auto starts = [&](TaskGroup&) -> Coro<> { (void)co_await sour(1h, "weird"); };
        const auto task = create_task(task_group(starts));
        co_await sleep(100ms);
        task.cancel();
        const std::string how = co_await outcome(task);
        CHECK(how == "[weird]");
    });
}

TEST_CASE("rule 191: errors and an outside cancel: the request is delivered at the next suspension") {
    // cpython: test_taskgroups.test_error_and_cancel
    in_loop([](VirtualLoop&) -> Coro<> {
        bool after_the_sleep = false;
        auto inner = [&]() -> Coro<> {
            auto starts = [&](TaskGroup& group) -> Coro<> {
                auto fails = []() -> Coro<> {
                    co_await turns(2);
                    throw std::runtime_error("child");
                };
                group.create_task(fails());
                co_await sleep(1s);
            };
            const std::string how = co_await outcome(task_group(starts));
            CHECK(how == "[child]");
            CHECK(current_task().cancelling() == 1);
            co_await sleep(1s);
            after_the_sleep = true;
        };
        const auto task = create_task(inner());
        co_await turns(3);
        CHECK(task.cancelling() == 0);
        task.cancel("outside");
        CHECK(task.cancelling() == 1);
        const std::string how = co_await outcome(task);
        CHECK(how == "cancelled");  // issued again, without its message
        CHECK(task.cancelled());
        CHECK_FALSE(after_the_sleep);
    });
}

TEST_CASE("rules 190, 200: the order of a child's failure and an outside cancel in one turn does not matter") {
    // cpython: test_taskgroups.test_taskgroup_15
    // cpython: test_taskgroups.test_taskgroup_16
    for (const Duration when : {Duration(999ms), Duration(1s), Duration(1001ms)}) {
        in_loop([when](VirtualLoop&) -> Coro<> {
            auto inner = []() -> Coro<> {
                auto starts = [&](TaskGroup& group) -> Coro<> {
                    group.create_task(fails_after(1s, "child"));
                    const std::string how = co_await ended(sleep(1h));
                    (void)co_await ended(sleep(500ms));  // cleanup; the other cancel may hit it
                    if (how != "value") throw CancelledError();
                };
                const std::string how = co_await outcome(task_group(starts));
                CHECK(how == "[child]");
                CHECK(current_task().cancelling() == 1);
            };
            const auto task = create_task(inner());
            later(when, [&] { task.cancel("outside"); });
            const std::string how = co_await outcome(task);
            CHECK(how == "cancelled");  // rule 84: the request that was issued again, at the task's end
            CHECK(task.cancelling() == 1);
        });
    }
}

TEST_CASE("rules 184, 191: an old request that was swallowed is delivered again after an error") {
    in_loop([](VirtualLoop&) -> Coro<> {
        auto inner = []() -> Coro<std::string> {
            (void)co_await ended(sleep(1h));
            auto starts = [](TaskGroup& group) -> Coro<> {
                group.create_task(fails_after(1s, "bad"));
                co_await sleep(1h);
            };
            const std::string how = co_await outcome(task_group(starts));
            CHECK(how == "[bad]");
            CHECK(current_task().cancelling() == 1);
            co_return co_await ended(sleep(1s));
        };
        const auto task = create_task(inner());
        co_await sleep(1s);
        task.cancel("old");
        const std::string how = co_await task;
        CHECK(how == "cancelled");
    });
}

TEST_CASE("rule 193: SystemExit or KeyboardInterrupt of the body goes out bare, after the children") {
    // cpython: test_taskgroups.test_taskgroup_20
    in_loop([](VirtualLoop& loop) -> Coro<> {
        Log log;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            group.create_task(cleans_up("child", 1s, log));
            group.create_task(fails_after(1s, "crash"));
            (void)co_await ended(sleep(1h));
            throw weft::KeyboardInterrupt();
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "KeyboardInterrupt");
        CHECK(log == Log{"child"});
        CHECK(loop.now() == at(2s));
    });
}

TEST_CASE("rules 57, 193: of a child: it leaves the run, and later the group, bare") {
    VirtualLoop loop;
    Log log;
    auto exits = []() -> Coro<> {
        co_await sleep(1s);
        throw weft::SystemExit(3);
    };
    auto starts = [&](TaskGroup& group) -> Coro<> {
        group.create_task(exits());
        group.create_task(cleans_up("child", 1s, log));
        co_await sleep(1h);
    };
    const auto task = loop.create(outcome(task_group(starts)));
    std::string left;
    while (left.empty() && !task.done()) {
        try {
            loop.turn();
        } catch (...) {
            left = in_words(std::current_exception());
        }
    }
    CHECK(left == "SystemExit 3");
    CHECK_FALSE(task.done());
    while (!task.done()) loop.turn();
    CHECK(task.result() == "SystemExit 3");
    CHECK(log == Log{"child"});
}

TEST_CASE("rule 195: an inner group's errors are one error of the outer") {
    // cpython: test_taskgroups.test_taskgroup_11
    // cpython: test_taskgroups.test_taskgroup_12
    // cpython: test_taskgroups.test_taskgroup_14
    in_loop([](VirtualLoop&) -> Coro<> {
        auto inner = [](TaskGroup& group) -> Coro<> {
            for (const char* name : {"a", "b"}) group.create_task(sour(1h, name));
            co_await sleep(1h);
        };
        auto outer = [&](TaskGroup& group) -> Coro<> {
            group.create_task(sleeps(10s));
            co_await task_group(inner);
        };
        const auto task = create_task(task_group(outer));
        co_await sleep(100ms);
        task.cancel();
        const std::string cancelled = co_await outcome(task);
        CHECK(cancelled == "[[a, b]]");

        auto failing_inner = [](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(100ms, "inner"));
            co_return;
        };
        auto around = [&](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(10s, "never"));
            co_await task_group(failing_inner);
        };
        const std::string failed = co_await outcome(task_group(around));
        CHECK(failed == "[[inner]]");
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rule 195: a child of the outer fails while the inner waits: only the outer has errors") {
    // cpython: test_taskgroups.test_taskgroup_13
    in_loop([](VirtualLoop& loop) -> Coro<> {
        auto inner = [](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(10s, "never"));
            co_return;
        };
        auto outer = [&](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(100ms, "outer"));
            co_await task_group(inner);
        };
        const std::string how = co_await outcome(task_group(outer));
        CHECK(how == "[outer]");
        CHECK(loop.now() == at(100ms));
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rules 191, 195: both the inner and the outer group cancel the parent") {
    // cpython: test_taskgroups.test_nested_groups_both_cancelled
    in_loop([](VirtualLoop&) -> Coro<> {
        std::string of_inner;
        auto outer = [&](TaskGroup& outer_group) -> Coro<> {
            auto inner = [&](TaskGroup& inner_group) -> Coro<> {
                inner_group.create_task(fails_after(0s, "inner"));
                outer_group.create_task(fails_after(0s, "outer"));
                co_return;
            };
            of_inner = co_await outcome(task_group(inner));
            CHECK(current_task().cancelling() == 1);
        };
        const std::string how = co_await outcome(task_group(outer));
        CHECK(of_inner == "[inner]");
        CHECK(how == "[outer]");
        CHECK(current_task().cancelling() == 0);
        co_await sleep(1s);
    });
}

TEST_CASE("rules 106, 196: an empty group, and one whose children are gone, leave without suspending") {
    in_loop([](VirtualLoop&) -> Coro<> {
        bool other_ran = false;
        soon([&] { other_ran = true; });
        auto nothing = [](TaskGroup&) -> Coro<int> { co_return 1; };
        (void)co_await task_group(nothing);
        CHECK_FALSE(other_ran);
        auto waits_itself = [&](TaskGroup& group) -> Coro<> {
            const auto child = group.create_task(after(0s, 1));
            (void)co_await child;
            other_ran = false;
            soon([&] { other_ran = true; });
        };
        co_await task_group(waits_itself);
        CHECK_FALSE(other_ran);
    });
}

TEST_CASE("rules 104, 105: turns from a child's awaited future, and for one empty child") {
    in_loop([](VirtualLoop& loop) -> Coro<> {
        const auto future = create_future<int>();
        auto waits = [&]() -> Coro<> { (void)co_await future; };
        int turn = 0;
        auto starts = [&](TaskGroup& group) -> Coro<> {
            group.create_task(waits());
            co_await sleep(0s);
            soon([&] {
                future.set_result(1);
                turn = loop.turns();
            });
        };
        co_await task_group(starts);
        CHECK(loop.turns() - turn == 3);

        auto empty = []() -> Coro<> { co_return; };
        auto starts_empty = [&](TaskGroup& group) -> Coro<> {
            group.create_task(empty());
            co_return;
        };
        turn = loop.turns();
        co_await task_group(starts_empty);
        CHECK(loop.turns() - turn == 3);
    });
}

TEST_CASE("rules 184, 197: an eager child that fails in create_task: the body goes on to its next suspension") {
    in_loop([](VirtualLoop&) -> Coro<> {
        Log log;
        auto fails = []() -> Coro<> {
            throw std::runtime_error("eager");
            co_return;
        };
        auto starts = [&](TaskGroup& group) -> Coro<> {
            const auto child = group.create_task(fails(), {.eager_start = true});
            CHECK(child.done());
            log.emplace_back("body goes on");
            const auto sibling = group.create_task(after(1h, 1));
            CHECK_FALSE(sibling.done());
            log.push_back(co_await ended(sleep(1h)));
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(log == Log{"body goes on", "cancelled"});
        CHECK(how == "[eager]");
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rule 197: an eager child that succeeds is done on return") {
    in_loop([](VirtualLoop&) -> Coro<> {
        auto value = []() -> Coro<int> { co_return 5; };
        auto starts = [&](TaskGroup& group) -> Coro<int> {
            const auto child = group.create_task(value(), {.eager_start = true});
            CHECK(child.done());
            co_return child.result();
        };
        const int result = co_await task_group(starts);
        CHECK(result == 5);
    });
}

TEST_CASE("rule 198: a body that suspends for ever is interrupted by a child's failure") {
    in_loop([](VirtualLoop& loop) -> Coro<> {
        const auto never = create_future<int>();
        auto starts = [&](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(1s, "bad"));
            (void)co_await never;
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[bad]");
        CHECK(never.cancelled());
        CHECK(loop.now() == at(1s));
    });
}

TEST_CASE("rule 199: name and context of a child, and spawn with arguments") {
    // cpython: test_taskgroups.test_taskgroup_task_name
    // cpython: test_taskgroups.test_taskgroup_task_context
    static const weft::ContextVar<int> var{"task_group_test.var", 0};
    in_loop([](VirtualLoop&) -> Coro<> {
        const weft::Context context = weft::copy_context();
        auto sets = [](int value) -> Coro<> {
            var.set(value);
            co_return;
        };
        std::vector<std::string> names;
        auto notes_its_name = [&](std::string suffix) -> Coro<> {
            names.push_back(current_task().get_name() + suffix);
            co_return;
        };
        auto starts = [&](TaskGroup& group) -> Coro<> {
            const auto named = group.create_task(sleeps(0s), {.name = "yolo"});
            CHECK(named.get_name() == "yolo");
            group.create_task(sets(42), {.context = &context});
            group.spawn({.name = "spawned"}, notes_its_name, "!");
            group.spawn(notes_its_name, std::string("?")).set_name("renamed");
            co_return;
        };
        co_await task_group(starts);
        CHECK(context.get(var) == 42);
        CHECK(var.get() == 0);
        CHECK(names == std::vector<std::string>{"spawned!", "renamed?"});
    });
}

TEST_CASE("rules 183, 184: a group that breeds is stopped by a failure") {
    // cpython: test_taskgroups.test_taskgroup_25
    in_loop([](VirtualLoop&) -> Coro<> {
        int hydras = 0;
        std::vector<Task<>> all;
        TaskGroup group;
        auto hydra = [&](auto& self) -> Coro<> {
            ++hydras;
            co_await sleep(10ms);
            all.push_back(group.create_task(self(self)));
            all.push_back(group.create_task(self(self)));
        };
        auto hercules = [&]() -> Coro<> {
            while (hydras < 10) co_await sleep(15ms);
            throw std::runtime_error("enough");
        };
        auto starts = [&](TaskGroup& same) -> Coro<> {
            same.create_task(hydra(hydra));
            same.create_task(hercules());
            co_return;
        };
        const std::string how = co_await outcome(group.run(starts));
        CHECK(how == "[enough]");
        CHECK(hydras >= 10);
        int unfinished = 0;
        for (const auto& task : all) unfinished += !task.done();
        CHECK(unfinished == 0);
    });
}

TEST_CASE("rules 186, 188: a failing cleanup in the body while a child has failed: both are errors") {
    // cpython: test_taskgroups.test_taskgroup_context_manager_exit_raises
    in_loop([](VirtualLoop&) -> Coro<> {
        auto starts = [](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(0s, "child"));
            (void)co_await sour(1s, "exit");
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[child, exit]");
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rule 188: CancelledError of another task in the body: the children are cancelled, and it passes") {
    in_loop([](VirtualLoop&) -> Coro<> {
        Log log;
        const auto other = create_task(sleeps(1h));
        later(1s, [&] { other.cancel("other"); });
        auto starts = [&](TaskGroup& group) -> Coro<> {
            group.create_task(cleans_up("child", 0s, log));
            co_await other;
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "cancelled: other");
        CHECK(log == Log{"child"});
        CHECK(current_task().cancelling() == 0);
    });
}

TEST_CASE("rules 184, 190: an outside cancel just after the group's own is delivered behind the block") {
    in_loop([](VirtualLoop&) -> Coro<> {
        auto caller = []() -> Coro<> {
            auto starts = [](TaskGroup& group) -> Coro<> {
                group.create_task(fails_after(1s, "bad"));
                co_await sleep(1h);
            };
            const std::string how = co_await outcome(task_group(starts));
            CHECK(how == "[bad]");
            const std::string next = co_await ended(sleep(1s));
            CHECK(next == "cancelled: outside");
        };
        const auto task = create_task(caller());
        co_await sleep(1s);
        co_await turns(2);
        soon([&] { task.cancel("outside"); });
        co_await task;
    });
}

TEST_CASE("task_group: failures are retrieved: none is reported as never retrieved") {
    const Reports reports;
    in_loop([](VirtualLoop&) -> Coro<> {
        auto starts = [](TaskGroup& group) -> Coro<> {
            group.create_task(fails_after(1s, "a"));
            group.create_task(sour(1h, "b"));
            co_return;
        };
        const std::string how = co_await outcome(task_group(starts));
        CHECK(how == "[a, b]");
    });
    CHECK(reports.all().empty());
}

TEST_CASE("task_group: on a closing loop it leaks nothing, wherever it stands") {
    const Reports reports;
    auto held = std::make_shared<int>(1);
    auto holds = [](std::shared_ptr<int>) -> Coro<> { co_await sleep(1h); };
    for (const bool at_the_end : {false, true}) {
        CAPTURE(at_the_end);
        {
            VirtualLoop loop;
            auto starts = [&](TaskGroup& group) -> Coro<> {
                for (int i = 0; i < 3; ++i) group.create_task(holds(held));
                if (!at_the_end) co_await holds(held);
            };
            (void)loop.create(task_group(starts));
            loop.turn(2);
            CHECK(held.use_count() >= 4);
        }
        CHECK(held.use_count() == 1);
    }
    CHECK(reports.count("Task was destroyed but it is pending!") == 8);
}

namespace {

// Keeps the loop that ends a task from letting go of it, until it is told. Relaxed: it must order nothing.
class LetsGoLast final : public weft::sync::Waiter {
public:
    void tell() { told_.store(true, std::memory_order_relaxed); }

    void wake() noexcept override {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!told_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < limit)
            std::this_thread::yield();
    }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

private:
    std::atomic<bool> told_{false};
};

}  // namespace

// Under ThreadSanitizer: what an exception says was read, and then its memory is freed.
TEST_CASE("task_group: the loop of a failed child may let go of the failure after the group's") {
    LetsGoLast last;
    weft::test::Group loops(2);
    auto fails = [](weft::Future<> gate) -> Coro<> {
        co_await gate;
        throw std::runtime_error("a");
    };
    auto starts = [&](TaskGroup& group) -> Coro<> {
        const auto gate = create_future<>();
        const auto child = group.create_task(fails(gate), {.loop = &loops.loop(1)});
        (void)child.state().add_waiter(last);  // behind the group, which is told first
        gate.set_result();
        co_return;
    };
    auto body = [&]() -> Coro<bool> {
        bool failed = false;
        try {
            co_await task_group(starts);
        } catch (const ExceptionGroup&) {
            failed = true;
        }
        last.tell();
        co_return failed;
    };
    CHECK(loops.run(body()));
    loops.stop();
}
