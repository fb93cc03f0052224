#include "sync/task.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sync/sleep.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::AnyFuture;
using weft::AnyTask;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::Future;
using weft::sleep;
using weft::spawn;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

Coro<> nothing() { co_return; }
Coro<int> number(int n) { co_return n; }
Coro<int> failing(const char* text) {
    throw std::runtime_error(text);
    co_return 0;
}

constexpr const char* kDestroyed = "Task was destroyed but it is pending!";

}  // namespace

TEST_CASE("rule 54: create_task queues the first step, tasks start in sequence") {
    VirtualLoop loop;
    Log log;
    auto named = [&](std::string name) -> Coro<> {
        log.push_back(std::move(name));
        co_return;
    };
    auto body = [&]() -> Coro<> {
        const auto a = create_task(named("a"));
        loop.call_soon([&] { log.emplace_back("callback"); });
        const auto b = create_task(named("b"));
        CHECK(log.empty());
        co_await sleep(0s);
        CHECK(log == Log{"a", "callback", "b"});
        CHECK(a.done());
        CHECK(b.done());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 56: a step is not interrupted") {
    VirtualLoop loop;
    Log log;
    auto worker = [&](std::string name) -> Coro<> {
        for (int i = 0; i < 2; ++i) {
            log.push_back(name + " begins");
            const int value = co_await number(i);  // no suspension
            log.push_back(name + " ends " + std::to_string(value));
            co_await sleep(0s);
        }
    };
    auto body = [&]() -> Coro<> {
        const auto a = create_task(worker("a"));
        const auto b = create_task(worker("b"));
        co_await a;
        co_await b;
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"a begins", "a ends 0", "b begins", "b ends 0", "a begins", "a ends 1", "b begins", "b ends 1"});
}

TEST_CASE("rule 57: how a task ends") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto value = create_task(number(3));
        const auto error = create_task(failing("boom"));
        const auto empty = create_task(nothing());
        CHECK(thrown_by([&] { return value.result(); }) == "error: Result is not set.");
        co_await sleep(0s);
        CHECK(value.result() == 3);
        CHECK(value.exception() == nullptr);
        CHECK(thrown_by([&] { return error.result(); }) == "error: boom");
        CHECK(error.exception() != nullptr);
        CHECK_FALSE(error.cancelled());
        CHECK_NOTHROW(empty.result());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 58 to 60: done at the end of the last step; awaiters and callbacks run in the next turn") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        int ended_in = 0;
        int called_in = 0;
        auto child = [&]() -> Coro<> {
            co_await sleep(0s);
            ended_in = loop.turns();
        };
        const auto task = create_task(child());
        task.add_done_callback([&](const Task<>& done) {
            called_in = loop.turns();
            CHECK(done.done());
        });
        co_await task;
        CHECK(called_in == ended_in + 1);
        CHECK(loop.turns() == ended_in + 1);

        // Rule 60: what the future holds when the wake-up runs. Rule 59: not inline.
        const auto future = create_future<int>();
        int seen = 0;
        auto waits = [&]() -> Coro<> { seen = co_await future; };
        const auto waiter = create_task(waits());
        co_await sleep(0s);
        future.set_result(8);
        CHECK(seen == 0);
        co_await waiter;
        CHECK(seen == 8);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 102, 103, 105 and 106: turns between the trigger and the waiter") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future();
        int resumed_in = 0;
        auto on_future = [&]() -> Coro<> {
            co_await future;
            resumed_in = loop.turns();
        };
        const auto task = create_task(on_future());
        co_await sleep(0s);
        const int set_in = loop.turns();
        future.set_result();
        co_await task;
        CHECK(resumed_in == set_in + 1);         // a future: 1
        CHECK(loop.turns() == set_in + 2);       // a task that awaits it: 2

        const int created_in = loop.turns();
        co_await create_task(nothing());
        CHECK(loop.turns() == created_in + 2);   // a fresh task with an empty body: 2

        const int before = loop.turns();
        co_await future;
        co_await task;
        CHECK(loop.turns() == before);           // done ones: 0
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 46 and 47: who cancels a shared future by cancelling its first waiter keeps the waiters' order") {
    VirtualLoop loop;
    std::vector<int> order;
    auto body = [&order]() -> Coro<> {
        const Future<> future = create_future();
        auto waits = [&](int number) -> Coro<> {
            (void)co_await ended(future);
            order.push_back(number);
        };
        const Task<> first = create_task(waits(1));
        const Task<> second = create_task(waits(2));
        co_await sleep(0s);
        first.cancel();
        second.cancel();
        co_await first;
        co_await second;
    };
    loop.run_until_complete(body());
    CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("rule 62: a task that awaits itself gets an error one turn later, or the cancellation of that turn") {
    VirtualLoop loop;
    auto body = [&loop]() -> Coro<> {
        std::string how;
        int began_in = 0;
        int ended_in = 0;
        auto awaits_itself = [&]() -> Coro<> {
            began_in = loop.turns();
            how = co_await ended(current_task());
            ended_in = loop.turns();
        };
        co_await create_task(awaits_itself());
        CHECK(how.starts_with("error: Task cannot await on itself"));
        CHECK(ended_in == began_in + 1);

        const Task<> cancelled = create_task(awaits_itself());
        co_await sleep(0s);
        cancelled.cancel("first");
        co_await cancelled;
        CHECK(how == "cancelled: first");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 62: a task that awaits itself gets an error, whatever the handle") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        Task<std::string> self;
        auto awaits_itself = [&]() -> Coro<std::string> {
            std::string how;
            try {
                (void)co_await self;
            } catch (const std::runtime_error& error) {
                how = error.what();
            }
            co_return how;
        };
        self = create_task(awaits_itself());
        const std::string how = co_await self;
        CHECK(how.starts_with("Task cannot await on itself"));

        Task<std::string> again;
        auto awaits_a_future = [&]() -> Coro<std::string> {
            const Future<std::string> handle = again;
            co_return co_await ended(handle);
        };
        again = create_task(awaits_a_future());
        const std::string how_again = co_await again;
        CHECK(how_again.starts_with("error: Task cannot await on itself"));

        auto awaits_current = []() -> Coro<std::string> { co_return co_await ended(AnyFuture(current_task())); };
        const std::string how_current = co_await create_task(awaits_current());
        CHECK(how_current.starts_with("error: Task cannot await on itself"));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 65 and 66: current_task and all_tasks") {
    CHECK_FALSE(current_task());
    CHECK_THROWS_AS((void)weft::all_tasks(), std::runtime_error);
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const AnyTask self = current_task();
        CHECK(self);
        bool empty_in_callback = false;
        loop.call_soon([&] { empty_in_callback = !current_task(); });
        const auto never_started = create_task(number(1));
        auto same = [](AnyTask expected) -> Coro<> {
            CHECK(current_task() == expected);
            co_return;
        };
        co_await same(self);
        const auto all = weft::all_tasks();
        CHECK(all.size() == 2);
        CHECK(std::count(all.begin(), all.end(), self) == 1);
        CHECK(std::count(all.begin(), all.end(), AnyTask(never_started)) == 1);
        co_await never_started;
        CHECK(empty_in_callback);
        CHECK(current_task() == self);
        CHECK(weft::all_tasks().size() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 67, departed from: a started task is owned by its loop") {
    VirtualLoop loop;
    const auto future = create_future();
    int finished = 0;
    auto forgotten = [&]() -> Coro<> {
        co_await future;
        ++finished;
    };
    (void)loop.create(forgotten());
    loop.turn();
    future.set_result();
    loop.turn();
    CHECK(finished == 1);
}

TEST_CASE("rule 68: a loop that closes on pending tasks reports and frees them") {
    const Reports reports;
    const auto held = std::make_shared<int>(1);
    const auto never = create_future();
    auto waits = [](std::shared_ptr<int>, Future<> future) -> Coro<> { co_await future; };
    auto joins = [](std::shared_ptr<int>, Task<> task) -> Coro<> { co_await task; };
    Task<> kept;
    {
        VirtualLoop loop;
        SUBCASE("one that never started") { kept = loop.create(waits(held, never)); }
        SUBCASE("on a future") {
            kept = loop.create(waits(held, never));
            loop.turn();
        }
        SUBCASE("on a future that others complete later") {
            kept = loop.create(waits(held, never));
            loop.turn();
        }
        SUBCASE("on another task") {
            const auto below = loop.create(waits(held, never));
            kept = loop.create(joins(held, below));
            loop.turn();
        }
        SUBCASE("queued to be woken") {
            const auto soon = create_future();
            kept = loop.create(waits(held, soon));
            loop.turn();
            soon.set_result();
        }
        SUBCASE("queued to be cancelled") {
            kept = loop.create(waits(held, never));
            loop.turn();
            kept.cancel();
        }
        SUBCASE("a yielding one") {
            auto yields = [](std::shared_ptr<int>) -> Coro<> {
                for (;;) co_await sleep(0s);
            };
            kept = loop.create(yields(held));
            loop.turn(3);
        }
        CHECK_FALSE(kept.done());
        kept.set_name("the one");
    }
    CHECK(held.use_count() == 1);
    CHECK(kept.done());
    CHECK(kept.cancelled());
    CHECK(reports.count(kDestroyed) >= 1);
    CHECK(reports.count("the one") == 1);
    (void)never.try_set_result();  // reaches nobody
}

TEST_CASE("rule 68: tasks in a chain of calls and tasks are freed from the inside") {
    const Reports reports;
    Log log;
    struct Local {
        Log& log;
        std::string name;
        Local(Log& l, std::string n) : log(l), name(std::move(n)) {}
        Local(const Local&) = delete;
        Local& operator=(const Local&) = delete;
        ~Local() { log.push_back(name); }
    };
    const auto never = create_future();
    auto inner = [&](std::string name) -> Coro<> {
        const Local local(log, name);
        co_await never;
    };
    auto outer = [&](std::string name) -> Coro<> {
        const Local local(log, name);
        co_await inner(name + " callee");
    };
    {
        VirtualLoop loop;
        (void)loop.create(outer("older"));
        (void)loop.create(outer("newer"));
        loop.turn();
    }
    CHECK(log == Log{"newer callee", "newer", "older callee", "older"});
    CHECK(reports.count(kDestroyed) == 2);
}

TEST_CASE("rules 49 and 69: a task's exception that nobody looked at is reported") {
    const Reports reports;
    VirtualLoop loop;
    Log expected;
    SUBCASE("dropped") {
        (void)loop.create(failing("boom"));
        loop.turn();
        expected = {"Task exception was never retrieved | std::runtime_error: boom"};
    }
    SUBCASE("looked at") {
        const auto task = loop.create(failing("boom"));
        loop.turn();
        CHECK(task.exception() != nullptr);
    }
    SUBCASE("cancel() counts as a look, rule 49") {
        const auto task = loop.create(failing("boom"));
        loop.turn();
        CHECK_FALSE(task.cancel());
    }
    SUBCASE("a cancelled task has nothing to report") {
        loop.create(number(1)).cancel();
        loop.turn();
    }
    loop.close();  // handles that go outside of a step are reported by the loop
    CHECK(reports.all() == expected);
}

TEST_CASE("rule 70: names") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto first = create_task(nothing());
        const auto second = create_task(nothing());
        const auto named = create_task(nothing(), {.name = "fetch"});
        CHECK(first.get_name().starts_with("Task-"));
        const int a = std::stoi(first.get_name().substr(5));
        const int b = std::stoi(second.get_name().substr(5));
        CHECK(b == a + 1);
        CHECK(named.get_name() == "fetch");
        named.set_name("later");
        CHECK(AnyTask(named).get_name() == "later");
        co_await named;
        named.set_name("after its end");
        CHECK(named.get_name() == "after its end");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 72: a task may be awaited many times") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto task = create_task(number(6));
        int sum = 0;
        for (int i = 0; i < 3; ++i) sum += co_await task;
        CHECK(sum == 18);
    };
    loop.run_until_complete(body());
}

TEST_CASE("task: handles convert, compare and hash by identity; an empty one says so") {
    VirtualLoop loop;
    const auto task = loop.create(number(1));
    const auto other = loop.create(number(1));
    const Future<int> future = task;
    const AnyTask any = task;
    const AnyFuture any_future = any;
    CHECK(future == task);
    CHECK(any == task);
    CHECK(any_future == task);
    CHECK(task != other);
    CHECK(std::unordered_set<AnyTask>{task, other, any}.size() == 2);
    CHECK_FALSE(Task<int>());
    CHECK_THROWS_AS(Task<int>().cancel(), weft::InvalidStateError);
    CHECK_THROWS_AS((void)AnyTask().get_name(), weft::InvalidStateError);
    loop.turn();
    CHECK(future.result() == 1);
}

TEST_CASE("task: create_task takes whatever can be awaited") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = create_future<int>();
        const auto on_future = create_task(future);
        const auto on_sleep = create_task(sleep(1s, std::string("slept")));
        const auto on_task = create_task(create_task(number(2)));
        future.set_result(1);
        const int a = co_await on_future;
        const std::string b = co_await on_sleep;
        const int c = co_await on_task;
        CHECK(a == 1);
        CHECK(b == "slept");
        CHECK(c == 2);
    };
    loop.run_until_complete(body());
    CHECK(thrown_by([] { return create_task(number(1)); }) == "error: no running event loop");
}

TEST_CASE("task: spawn owns the callable and its arguments") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto held = std::make_shared<int>(40);
        const std::weak_ptr<int> watch = held;
        auto adds = [owned = std::move(held)](std::unique_ptr<int> more) -> Coro<int> {
            co_await sleep(0s);
            co_return *owned + *more;
        };
        const auto task = spawn(std::move(adds), std::make_unique<int>(2));
        const auto named = spawn({.name = "spawned"}, number, 5);
        CHECK_FALSE(watch.expired());
        const int sum = co_await task;
        CHECK(sum == 42);
        CHECK(watch.expired());
        CHECK(named.get_name() == "spawned");
        const int five = co_await named;
        CHECK(five == 5);
    };
    loop.run_until_complete(body());
}

TEST_CASE("task: children of a pinned task are pinned unless any_loop is asked for") {
    VirtualLoop loop;
    auto pinned = [](const AnyTask& task) {
        return static_cast<weft::sync::TaskState&>(task.state()).affinity() == weft::scheduler::Affinity::pinned;
    };
    auto body = [&]() -> Coro<> {
        CHECK(pinned(current_task()));
        const auto child = create_task(nothing());
        const auto free = create_task(nothing(), {.loop = weft::any_loop});
        CHECK(pinned(child));
        CHECK_FALSE(pinned(free));
        auto grandchild = [&]() -> Coro<> {
            CHECK_FALSE(pinned(create_task(nothing())));
            CHECK(pinned(create_task(nothing(), {.loop = &loop.loop()})));
            co_return;
        };
        co_await create_task(grandchild(), {.loop = weft::any_loop});
        co_await child;
        co_await free;
    };
    loop.run_until_complete(body());
}

namespace {
template <class T>
Coro<T> give(T value) {
    co_return value;
}
}  // namespace

// A small value lies where the task's own flags end.
TEST_CASE_TEMPLATE("task: a value of one byte beside the flags of its task", T, bool, char, signed char, std::byte) {
    VirtualLoop loop;
    Task<T> task;
    auto body = [&]() -> Coro<> {
        task = create_task(give(T{1}));
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
    CHECK(task.done());
    CHECK(task.result() == T{1});
    CHECK_FALSE(task.cancelled());
    const Task<T> copy = task;
    CHECK(copy.result() == T{1});
}

// AddressSanitizer looks at the memory of the task that was to be woken.
TEST_CASE("rule 68: a loop closes on a task that waits for another one") {
    const Reports reports;
    VirtualLoop loop;
    auto inner = []() -> Coro<> { co_await create_future<>(); };
    auto outer = [&]() -> Coro<> { co_await create_task(inner()); };
    {
        const auto task = loop.create(outer());
        loop.turn(2);
        CHECK_FALSE(task.done());
    }
    loop.close();
    CHECK(reports.count(kDestroyed) == 2);
}

TEST_CASE("rule 68: what a destructor creates while its loop closes goes with it") {
    const Reports reports;
    struct Maker {
        Coro<> (*make)() = nothing;
        int& made;
        explicit Maker(int& count) : made(count) {}
        Maker(const Maker&) = delete;
        Maker& operator=(const Maker&) = delete;
        ~Maker() {
            (void)create_task(make());
            ++made;
        }
    };
    int made = 0;
    VirtualLoop loop;
    SUBCASE("a coroutine's local") {
        auto body = [&]() -> Coro<> {
            const Maker maker(made);
            co_await create_future<>();
        };
        const auto task = loop.create(body());
        loop.turn();
        loop.close();
    }
    SUBCASE("a callback that never ran") {
        loop.call_soon([maker = std::make_shared<Maker>(made)] {});
        loop.close();
    }
    CHECK(made == 1);
}
