#include "sync/as_completed.hpp"

#include <doctest/doctest.h>

#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/timed.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::as_completed;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::Duration;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::TimeoutError;
using weft::test::after;
using weft::test::at;
using weft::test::ended;
using weft::test::fails_after;
using weft::test::later;
using weft::test::Reports;
using weft::test::turns;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;
using Tasks = std::vector<Task<std::string>>;

namespace {

Coro<std::string> named(std::string name, Duration delay) { return after(delay, std::move(name)); }

template <class... C>
std::vector<Coro<std::string>> coros(C... coro) {
    std::vector<Coro<std::string>> all;
    (all.push_back(std::move(coro)), ...);
    return all;
}

// The value, or how it ended otherwise.
Coro<std::string> outcome(Coro<std::string> next) {
    std::string value;
    auto reads = [&]() -> Coro<> { value = co_await std::move(next); };
    const std::string how = co_await ended(reads());
    co_return how == "value" ? value : how;
}

}  // namespace

TEST_CASE("rule 175: as many awaitables as inputs, each gives the next outcome in order of completion") {
    // cpython: test_tasks.test_as_completed
    // cpython: test_tasks.test_as_completed_coroutine_use_running_loop
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Log log;
        auto all = coros(named("c", 3s), named("a", 1s), named("b", 2s));
        for (auto next : as_completed(std::move(all))) {
            const std::string value = co_await std::move(next);
            log.push_back(value);
            CHECK(loop.now() == at(static_cast<int>(log.size()) * 1s));
        }
        CHECK(log == Log{"a", "b", "c"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 175: failures and cancellations come in their place") {
    const Reports reports;
    VirtualLoop loop;
    auto fails = [](Duration delay) -> Coro<std::string> {
        co_await sleep(delay);
        throw std::runtime_error("bad");
    };
    auto body = [&]() -> Coro<> {
        const auto gone = create_task(named("gone", 1h));
        later(2s, [&] { gone.cancel(); });
        const Tasks tasks{create_task(named("c", 3s)), create_task(fails(1s)), gone};
        Log log;
        for (auto next : as_completed(tasks)) log.push_back(co_await outcome(std::move(next)));
        CHECK(log == Log{"error: bad", "cancelled", "c"});
        CHECK(loop.now() == at(3s));
    };
    loop.run_until_complete(body());
    CHECK(reports.all().empty());
}

TEST_CASE("rule 176: next() gives the very handles, already done") {
    // cpython: test_tasks.test_as_completed_same_tasks_in_as_out
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const Tasks tasks{create_task(named("c", 3s)), create_task(named("a", 1s)), create_task(named("b", 2s))};
        Tasks seen;
        auto completed = as_completed(tasks);
        while (const auto task = co_await completed.next()) {
            CHECK(task->done());
            seen.push_back(*task);
            CHECK(loop.now() == at(static_cast<int>(seen.size()) * 1s));
        }
        CHECK(seen == Tasks{tasks[1], tasks[2], tasks[0]});
        const auto none = co_await completed.next();
        CHECK_FALSE(none.has_value());
        // a failed one is given, not raised
        const std::vector<Task<int>> failing{create_task(fails_after(1s, "bad"))};
        auto failed = as_completed(failing);
        const auto bad = co_await failed.next();
        CHECK(bad->exception() != nullptr);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 177: all start at the call, in their order; leaving early cancels nothing and leaves nothing behind") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Log log;
        auto starts = [&](std::string name, Duration delay) -> Coro<std::string> {
            log.push_back(name + " starts");
            co_return co_await named(name, delay);
        };
        const auto slow = create_task(named("slow", 5s));
        {
            auto all = coros(starts("a", 1s), starts("b", 2s));
            const auto completed = as_completed(std::move(all));
            co_await sleep(0s);
            CHECK(log == Log{"a starts", "b starts"});
            const auto early = as_completed({slow}, 1h);
            for (auto next : completed) {
                const std::string value = co_await std::move(next);
                CHECK(value == "a");
                break;
            }
            CHECK(slow.state().has_waiters());
        }
        CHECK_FALSE(slow.state().has_waiters());
        CHECK(slow.cancelling() == 0);
        CHECK(loop.loop().armed_timers() == 2);  // slow's and b's; the limit of an hour is gone
        const std::string value = co_await slow;
        CHECK(value == "slow");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 178: the timeout counts from the call; each slot not delivered raises TimeoutError; members run on") {
    // cpython: test_tasks.test_as_completed_with_timeout
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const Tasks tasks{create_task(named("fast", 1s)), create_task(named("slow", 5s)),
                          create_task(named("slower", 6s))};
        auto completed = as_completed(tasks, 3s);
        co_await sleep(500ms);
        Log log;
        for (auto next : completed) log.push_back(co_await outcome(std::move(next)));
        CHECK(log == Log{"fast", "error: timed out", "error: timed out"});
        CHECK(loop.now() == at(3s));
        CHECK_FALSE(tasks[1].done());
        CHECK(tasks[1].cancelling() == 0);
        const std::string value = co_await tasks[1];
        CHECK(value == "slow");

        const Tasks others{create_task(named("x", 1s)), create_task(named("y", 5s))};
        auto handles = as_completed(others, 2s);
        const auto first = co_await handles.next();
        CHECK(*first == others[0]);
        const std::string second = co_await ended(handles.next());
        CHECK(second == "error: timed out");
        const auto none = co_await handles.next();
        CHECK_FALSE(none.has_value());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 178: outcomes that are queued already are still delivered") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const Tasks tasks{create_task(named("one", 1s)), create_task(named("two", 2s)),
                          create_task(named("late", 20s))};
        auto completed = as_completed(tasks, 3s);
        co_await sleep(10s);
        Log log;
        for (auto next : completed) log.push_back(co_await outcome(std::move(next)));
        CHECK(log == Log{"one", "two", "error: timed out"});
        CHECK(loop.now() == at(10s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 178: a timeout that is not needed is disarmed with the last member") {
    // cpython: test_tasks.test_as_completed_with_unused_timeout
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto task = create_task(named("a", 10ms));
        auto completed = as_completed({task}, 1s);
        CHECK(loop.loop().armed_timers() == 1);
        co_await sleep(10ms);
        co_await turns(2);
        CHECK(loop.loop().armed_timers() == 0);
        for (auto next : completed) {
            const std::string value = co_await std::move(next);
            CHECK(value == "a");
        }
        CHECK(loop.now() == at(10ms));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 178: no time at all") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto done = create_future<std::string>();
        done.set_result("done");
        const auto pending = create_future<std::string>();
        Log log;
        for (auto next : as_completed({done, pending}, 0s)) log.push_back(co_await outcome(std::move(next)));
        CHECK(log == Log{"done", "error: timed out"});
        CHECK(loop.now() == at(0s));
        CHECK_FALSE(pending.state().has_waiters());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 179: duplicates once, nothing for nothing, an empty handle is refused") {
    // cpython: test_tasks.test_as_completed_duplicate_coroutines
    // cpython: test_tasks.test_as_completed_invalid_args
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto ham = create_task(named("ham", 1s));
        const auto spam = create_task(named("spam", 2s));
        Log log;
        for (auto next : as_completed({ham, ham, spam, ham})) log.push_back(co_await outcome(std::move(next)));
        CHECK(log == Log{"ham", "spam"});

        int count = 0;
        for (auto next : as_completed(Tasks{}, 1s)) {
            ++count;
            (void)next;
        }
        CHECK(count == 0);
        auto nothing = as_completed(std::vector<Coro<int>>{});
        const auto none = co_await nothing.next();
        CHECK_FALSE(none.has_value());
        CHECK(loop.loop().armed_timers() == 0);
        CHECK_THROWS_AS((void)as_completed({ham, Task<std::string>()}), weft::InvalidStateError);
        CHECK_FALSE(ham.state().has_waiters());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 180: awaited out of order, each takes the next completion") {
    // cpython: test_tasks.test_as_completed_reverse_wait
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto all = coros(named("a", 50ms), named("b", 100ms));
        std::vector<Coro<std::string>> slots;
        for (auto next : as_completed(std::move(all))) slots.push_back(std::move(next));
        REQUIRE(slots.size() == 2);
        const std::string first = co_await std::move(slots[1]);
        CHECK(first == "a");
        CHECK(loop.now() == at(50ms));
        const std::string second = co_await std::move(slots[0]);
        CHECK(second == "b");
        CHECK(loop.now() == at(100ms));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 180: concurrent consumers take one each, in the order in which they came") {
    // cpython: test_tasks.test_as_completed_concurrent
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto all = coros(named("one", 1s), named("two", 2s), named("three", 3s));
        Log log;
        auto consumes = [&](std::string who, Coro<std::string> next) -> Coro<> {
            const std::string value = co_await std::move(next);
            log.push_back(who + " " + value);
        };
        std::vector<Task<>> consumers;
        for (auto next : as_completed(std::move(all))) {
            const std::string name(1, static_cast<char>('a' + consumers.size()));
            consumers.push_back(create_task(consumes(name, std::move(next))));
        }
        for (const auto& consumer : consumers) co_await consumer;
        CHECK(log == Log{"a one", "b two", "c three"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 180: a cancelled consumer leaves the members alone, and loses nothing of the others'") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const Tasks tasks{create_task(named("one", 1s)), create_task(named("two", 1s))};
        std::vector<Coro<std::string>> slots;
        for (auto next : as_completed(tasks)) slots.push_back(std::move(next));
        const auto a = create_task(std::move(slots[0]));
        const auto b = create_task(std::move(slots[1]));
        co_await sleep(0s);
        a.cancel();
        const std::string how = co_await ended(a);
        CHECK(how == "cancelled");
        CHECK(tasks[0].cancelling() == 0);
        const std::string value = co_await b;
        CHECK(value == "one");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 180: a consumer cancelled between its wake-up and its step passes the completion on") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto x = create_future<std::string>();
        const auto y = create_future<std::string>();
        std::vector<Coro<std::string>> slots;
        for (auto next : as_completed({x, y})) slots.push_back(std::move(next));
        const auto a = create_task(std::move(slots[0]));
        const auto b = create_task(std::move(slots[1]));
        co_await sleep(0s);
        x.set_result("x");
        co_await sleep(0s);  // a is woken, not resumed
        CHECK(a.cancel());
        const std::string how = co_await ended(a);
        CHECK(how == "cancelled");
        const std::string value = co_await b;
        CHECK(value == "x");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 180: who comes between a wake-up and the woken takes it; the woken waits for the next") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto x = create_future<std::string>();
        const auto y = create_future<std::string>();
        std::vector<Coro<std::string>> slots;
        for (auto next : as_completed({x, y})) slots.push_back(std::move(next));
        const auto a = create_task(std::move(slots[0]));
        co_await sleep(0s);
        x.set_result("x");
        co_await sleep(0s);  // the completion is queued, a is woken but has not run
        const std::string taken = co_await std::move(slots[1]);
        CHECK(taken == "x");
        co_await turns(2);
        CHECK_FALSE(a.done());
        y.set_result("y");
        const std::string value = co_await a;
        CHECK(value == "y");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 103, 107: two turns to the consumer, also if the member was done before") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        const auto done = create_future<int>();
        done.set_result(1);
        auto consumes = [&](Future<int> of) -> Coro<int> {
            for (auto next : as_completed({of})) (void)co_await std::move(next);
            co_return loop.turns();
        };
        const auto consumer = create_task(consumes(future));
        co_await sleep(0s);
        int turn = loop.turns();
        future.set_result(1);
        const int resumed = co_await consumer;
        CHECK(resumed - turn == 2);
        turn = loop.turns();
        const int at_once = co_await consumes(done);
        CHECK(at_once - turn == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("as_completed: an iteration that was left can be resumed") {
    // cpython: test_tasks.test_as_completed_resume_iterator
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto all = coros(named("a", 1s), named("b", 2s), named("c", 3s), named("d", 4s));
        auto completed = as_completed(std::move(all));
        Log log;
        for (auto next : completed) {
            log.push_back(co_await outcome(std::move(next)));
            break;
        }
        for (auto next : completed) {
            log.push_back(co_await outcome(std::move(next)));
            if (log.size() == 3) break;
        }
        const auto last = co_await completed.next();
        REQUIRE(last.has_value());
        log.push_back(last->result());
        CHECK(log == Log{"a", "b", "c", "d"});
        const auto none = co_await completed.next();
        CHECK_FALSE(none.has_value());
        int more = 0;
        for (auto next : completed) {
            ++more;
            (void)next;
        }
        CHECK(more == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("as_completed: equal times keep the order of completion; ranges; void; move-only values") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto a = create_future<int>();
        const auto b = create_future<int>();
        const auto c = create_future<int>();
        const std::list<Future<int>> list{a, b, c};
        auto completed = as_completed(list);
        c.set_result(2);
        a.set_result(0);
        b.set_result(1);
        std::vector<int> order;
        for (auto next : completed) order.push_back(co_await std::move(next));
        CHECK(order == std::vector{2, 0, 1});

        std::vector<Coro<>> pauses;
        pauses.push_back(turns(2));
        pauses.push_back(turns(1));
        int count = 0;
        for (auto next : as_completed(std::move(pauses))) {
            co_await std::move(next);
            ++count;
        }
        CHECK(count == 2);

        auto moves = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
        std::vector<Coro<std::unique_ptr<int>>> owners;
        owners.push_back(moves());
        for (auto next : as_completed(std::move(owners))) {
            const std::unique_ptr<int> moved = co_await std::move(next);
            CHECK(*moved == 5);
        }
    };
    loop.run_until_complete(body());
}

TEST_CASE("as_completed: on a closing loop it leaks nothing") {
    const Reports reports;
    const Future<int> never = create_future<int>();
    const Future<int> done = create_future<int>();
    std::optional<weft::AsCompleted<Future<int>>> kept;
    {
        VirtualLoop loop;
        auto consumes = [&]() -> Coro<> {
            kept.emplace(as_completed({never, done}, 1h));
            for (auto next : *kept) (void)co_await std::move(next);
        };
        (void)loop.create(consumes());
        loop.turn(2);
        done.set_result(1);
    }
    CHECK(never.state().has_waiters());
    kept.reset();
    CHECK_FALSE(never.state().has_waiters());
}
