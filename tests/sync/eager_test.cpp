// create_task with eager_start: the first step runs inside the call.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sync/context_var.hpp"
#include "sync/fork_join.hpp"
#include "sync/gather.hpp"
#include "sync/task.hpp"
#include "sync/task_group.hpp"
#include "sync/timeout.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/timed.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::AnyTask;
using weft::CancelledError;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::TaskOptions;
using weft::test::after;
using weft::test::at;
using weft::test::ended;
using weft::test::Group;
using weft::test::Reports;
using weft::test::soon;
using weft::test::thrown_by;
using weft::test::turns;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

constexpr TaskOptions kEager{.eager_start = true};

Coro<int> value(int n) { co_return n; }

}  // namespace

TEST_CASE("rules 211, 212: a body that does not suspend is done on return, and no turn is used") {
    // cpython: test_eager_task_factory.test_eager_completion
    // cpython: test_eager_task_factory.test_eager_task_factory_set
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        bool other_ran = false;
        soon([&] { other_ran = true; });
        const Task<int> task = create_task(value(42), kEager);
        CHECK(task.done());
        CHECK(task.result() == 42);
        const int awaited = co_await task;  // rule 45
        CHECK(awaited == 42);
        CHECK(loop.turns() == turn);
        CHECK_FALSE(other_ran);
        CHECK_FALSE(task.cancel());
        // an awaiter of its own is not asked to suspend either
        auto awaits_done = [&]() -> Coro<int> { co_return co_await task; };
        CHECK(create_task(awaits_done(), kEager).done());
        auto group_awaits = weft::gather(task, create_task(value(1), kEager));
        CHECK(group_awaits.done());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 212: a failure and a cancellation are stored, nothing is raised by create_task") {
    const Reports reports;
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto fails = []() -> Coro<int> {
            throw std::runtime_error("eager");
            co_return 1;
        };
        const Task<int> failed = create_task(fails(), kEager);
        CHECK(failed.done());
        CHECK(thrown_by([&] { return failed.result(); }) == "error: eager");
        auto cancels = []() -> Coro<> {
            throw CancelledError("by itself");
            co_return;
        };
        const Task<> cancelled = create_task(cancels(), kEager);
        CHECK(cancelled.cancelled());
        const std::string how = co_await ended(cancelled);
        CHECK(how == "cancelled: by itself");
        (void)create_task(fails(), kEager);  // nobody looks
    };
    loop.run_until_complete(body());
    CHECK(reports.count("Task exception was never retrieved") == 1);
    CHECK(reports.all().size() == 1);
}

TEST_CASE("rule 211: current_task is the new one, and afterwards the previous one again") {
    // cpython: test_eager_task_factory.test_current_task
    VirtualLoop loop;
    std::vector<AnyTask> seen;
    auto notes = [&]() -> Coro<> {
        seen.push_back(current_task());
        co_await sleep(0s);
        seen.push_back(current_task());
    };
    auto body = [&]() -> Coro<> {
        const AnyTask me = current_task();
        const Task<> task = create_task(notes(), kEager);
        CHECK(current_task() == me);
        co_await task;
        CHECK(seen == std::vector{AnyTask(task), AnyTask(task)});
        CHECK(current_task() == me);
        // also after one that ended, failed, or was never awaited
        (void)create_task(value(1), kEager);
        CHECK(current_task() == me);
        auto fails = []() -> Coro<> {
            throw std::runtime_error("eager");
            co_return;
        };
        const auto failed = create_task(fails(), kEager);
        CHECK(current_task() == me);
        CHECK(failed.exception() != nullptr);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 211: from a plain callback: there is no current task before and after") {
    VirtualLoop loop;
    Log log;
    Task<> task;
    auto first_step = [&]() -> Coro<> {
        log.emplace_back(current_task() ? "a task" : "none");
        co_await sleep(1s);
        log.emplace_back("second step");
    };
    loop.call_soon([&] {
        CHECK_FALSE(current_task());
        task = create_task(first_step(), kEager);
        CHECK_FALSE(current_task());
        CHECK(log == Log{"a task"});
    });
    while (!task || !task.done()) loop.turn();
    CHECK(log == Log{"a task", "second step"});
}

TEST_CASE("rule 211: the first step runs in the task's own context") {
    // cpython: test_eager_task_factory.test_context_vars
    VirtualLoop loop;
    static const weft::ContextVar<int> var{"eager_test.var", 0};
    auto changes = [](int to) -> Coro<int> {
        const int before = var.get();
        var.set(to);
        co_await sleep(0s);
        co_return before * 100 + var.get();
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        const Task<int> task = create_task(changes(2), kEager);
        CHECK(var.get() == 1);
        const int result = co_await task;
        CHECK(result == 102);
        CHECK(var.get() == 1);
        const weft::Context context = weft::copy_context();
        const Task<int> in_given = create_task(changes(3), {.context = &context, .eager_start = true});
        CHECK(context.get(var) == 3);
        CHECK(var.get() == 1);
        (void)co_await in_given;
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 213: at its first suspension it is an ordinary task; the second step comes through the queue") {
    // cpython: test_eager_task_factory.test_await_future_during_eager_step
    // cpython: test_eager_task_factory.test_block_after_eager_step
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Log log;
        auto parks = [&](std::string name, Future<int> future) -> Coro<int> {
            log.push_back(name + " 1");
            const int n = co_await future;
            log.push_back(name + " 2");
            co_return n;
        };
        const auto future = create_future<int>();
        const Task<int> task = create_task(parks("eager", future), kEager);
        const Task<int> queued = create_task(parks("queued", future));
        CHECK(log == Log{"eager 1"});
        CHECK_FALSE(task.done());
        CHECK(weft::all_tasks().size() == 3);
        co_await sleep(0s);
        CHECK(log == Log{"eager 1", "queued 1"});
        const int turn = loop.turns();
        future.set_result(7);
        CHECK(log.size() == 2);
        const int result = co_await task;
        CHECK(result == 7);
        CHECK(loop.turns() - turn == 2);
        (void)co_await queued;
        CHECK(log == Log{"eager 1", "queued 1", "eager 2", "queued 2"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 213: sleep(0) in the eager step takes its turn behind what is queued") {
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        auto yields = [&]() -> Coro<> {
            log.emplace_back("first");
            co_await sleep(0s);
            log.emplace_back("second");
        };
        soon([&] { log.emplace_back("callback"); });
        const auto task = create_task(yields(), kEager);
        log.emplace_back("created");
        co_await task;
        CHECK(log == Log{"first", "created", "callback", "second"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 213: without the loop running it is queued; so it is for another loop than the running one") {
    VirtualLoop loop;
    VirtualLoop other;
    bool started = false;
    auto notes = [&]() -> Coro<> {
        started = true;
        co_return;
    };
    const Task<> from_outside = create_task(notes(), {.loop = &loop.loop(), .eager_start = true});
    CHECK_FALSE(started);
    CHECK_FALSE(from_outside.done());
    loop.turn();
    CHECK(started);

    started = false;
    Task<> on_other;
    loop.call_soon([&] { on_other = create_task(notes(), {.loop = &other.loop(), .eager_start = true}); });
    loop.turn();
    CHECK_FALSE(started);
    other.turn();
    CHECK(started);
    CHECK(on_other.done());
}

TEST_CASE("rule 214: done callbacks of a task that is done on return are queued when they are added") {
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        const Task<int> task = create_task(value(1), kEager);
        soon([&] { log.emplace_back("queued before"); });
        task.add_done_callback(
            [&](const Task<int>& done) { log.push_back("callback " + std::to_string(done.result())); });
        log.emplace_back("registered");
        co_await sleep(0s);
        CHECK(log == Log{"registered", "queued before", "callback 1"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 215: name and context are passed on, before the first step") {
    VirtualLoop loop;
    auto names = []() -> Coro<std::string> { co_return current_task().get_name(); };
    auto body = [&]() -> Coro<> {
        const Task<std::string> task = create_task(names(), {.name = "early", .eager_start = true});
        CHECK(task.result() == "early");
        const auto spawned = weft::spawn({.name = "spawned", .eager_start = true}, names);
        CHECK(spawned.result() == "spawned");
        co_return;
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 211: eager tasks nest, and unwind one by one") {
    VirtualLoop loop;
    Log log;
    auto nests = [&](auto& self, int depth) -> Coro<int> {
        const AnyTask me = current_task();
        log.push_back("enter " + std::to_string(depth));
        int below = 0;
        if (depth < 3) {
            const Task<int> task = create_task(self(self, depth + 1), kEager);
            CHECK(task.done());
            below = task.result();
        }
        CHECK(current_task() == me);
        log.push_back("leave " + std::to_string(depth));
        co_return below + 1;
    };
    auto body = [&]() -> Coro<> {
        const Task<int> task = create_task(nests(nests, 1), kEager);
        CHECK(task.result() == 3);
        co_return;
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"enter 1", "enter 2", "enter 3", "leave 3", "leave 2", "leave 1"});
}

TEST_CASE("rule 211: nested, the innermost suspends: the outer ones go on, and each awaits the next") {
    // cpython: test_eager_task_factory.test_awaitables_chain
    VirtualLoop loop;
    auto chain = [&](auto& self, int depth) -> Coro<int> {
        if (depth == 0) {
            co_await sleep(1s);
            co_return 0;
        }
        const AnyTask me = current_task();
        const Task<int> task = create_task(self(self, depth - 1), kEager);
        CHECK(current_task() == me);
        const int below = co_await task;
        CHECK(current_task() == me);
        co_return below + 1;
    };
    auto body = [&]() -> Coro<> {
        const Task<int> task = create_task(chain(chain, 200), kEager);
        CHECK_FALSE(task.done());
        const int depth = co_await task;
        CHECK(depth == 200);
        CHECK(loop.now() == at(1s));
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 211, 213: gathers and groups of eager tasks, all the way down") {
    // cpython: test_eager_task_factory.test_recursive_gather
    // cpython: test_eager_task_factory.test_recursive_taskgroups
    VirtualLoop loop;
    int leaves = 0;
    auto gathers = [&](auto& self, int depth) -> Coro<int> {
        if (depth == 0) {
            ++leaves;
            co_return 1;
        }
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(create_task(self(self, depth - 1), kEager));
        const std::vector<int> results = co_await weft::gather(tasks);
        co_return results[0] + results[1] + results[2];
    };
    auto groups = [&](auto& self, int depth) -> Coro<> {
        if (depth == 0) {
            ++leaves;
            co_return;
        }
        auto starts = [&](weft::TaskGroup& group) -> Coro<> {
            for (int i = 0; i < 3; ++i) group.create_task(self(self, depth - 1), kEager);
            co_return;
        };
        co_await weft::task_group(starts);
    };
    auto body = [&]() -> Coro<> {
        const Task<int> task = create_task(gathers(gathers, 5), kEager);
        CHECK(task.done());  // nothing in it suspends
        CHECK(task.result() == 243);
        CHECK(leaves == 243);
        const Task<> of_groups = create_task(groups(groups, 4), kEager);
        co_await of_groups;
        CHECK(leaves == 243 + 81);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 213: cancelled after its eager step, at the suspension; cancelled after its end, in vain") {
    // cpython: test_eager_task_factory.test_cancellation_after_eager_step_blocks
    // cpython: test_eager_task_factory.test_cancellation_after_eager_completion
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Log log;
        auto parks = [&]() -> Coro<> {
            const std::string how = co_await ended(sleep(1h));
            log.push_back(how);
            throw CancelledError("out");
        };
        const Task<> task = create_task(parks(), kEager);
        CHECK(task.cancel("parked"));
        CHECK(task.cancelling() == 1);
        CHECK(log.empty());
        const std::string how = co_await ended(task);
        CHECK(log == Log{"cancelled: parked"});
        CHECK(how == "cancelled: out");
        const Task<int> done = create_task(value(1), kEager);
        CHECK_FALSE(done.cancel());
        CHECK_FALSE(done.cancelled());
    };
    loop.run_until_complete(body());
    CHECK(loop.loop().armed_timers() == 0);
}

TEST_CASE("rules 84, 86 in the eager step: it cancels itself and returns, or suspends") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto returns = []() -> Coro<int> {
            current_task().cancel("self");
            co_return 1;
        };
        const Task<int> returned = create_task(returns(), kEager);
        CHECK(returned.cancelled());
        const std::string how = co_await ended(returned);
        CHECK(how == "cancelled: self");

        auto suspends = []() -> Coro<std::string> {
            current_task().cancel("self");
            const std::string inner = co_await ended(sleep(1h));
            co_return inner + ", went on";
        };
        const Task<std::string> suspended = create_task(suspends(), kEager);
        CHECK_FALSE(suspended.done());
        const std::string log = co_await suspended;
        CHECK(log == "cancelled: self, went on");
        CHECK(current_task().cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 211: it cancels its creator, whose next suspension is hit") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto creator = []() -> Coro<std::string> {
            const AnyTask me = current_task();
            auto cancels = [](AnyTask whom) -> Coro<> {
                whom.cancel("by my child");
                co_return;
            };
            (void)create_task(cancels(me), kEager);
            co_return co_await ended(sleep(1h));
        };
        const std::string how = co_await create_task(creator());
        CHECK(how == "cancelled: by my child");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 66, 212: all_tasks knows it during the eager step and while it is parked, not after its end") {
    // cpython: test_eager_task_factory.test_all_tasks_with_eager_completion
    // cpython: test_eager_task_factory.test_all_tasks_with_blocking
    VirtualLoop loop;
    std::size_t inside = 0;
    auto counts = [&](bool parks) -> Coro<> {
        inside = weft::all_tasks().size();
        if (parks) co_await sleep(1s);
    };
    auto body = [&]() -> Coro<> {
        (void)create_task(counts(false), kEager);
        CHECK(inside == 2);
        CHECK(weft::all_tasks().size() == 1);
        const auto parked = create_task(counts(true), kEager);
        CHECK(inside == 2);
        CHECK(weft::all_tasks().size() == 2);
        co_await parked;
        CHECK(weft::all_tasks().size() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("eager: completes what its creator awaits, inside the call") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        auto completes = [&]() -> Coro<> {
            future.set_result(5);
            co_return;
        };
        const auto waiter = create_task(ended(future));
        co_await sleep(0s);
        (void)create_task(completes(), kEager);
        CHECK_FALSE(waiter.done());  // law 3: a wake schedules
        const int n = co_await future;
        CHECK(n == 5);
        const std::string how = co_await waiter;
        CHECK(how == "value");
    };
    loop.run_until_complete(body());
}

TEST_CASE("eager: timeouts and calls into other coroutines inside the step") {
    VirtualLoop loop;
    auto deep = [](auto& self, int depth) -> Coro<int> {
        if (depth == 0) co_return co_await sleep(10ms, 1);
        co_return co_await self(self, depth - 1) + 1;
    };
    auto body = [&]() -> Coro<> {
        auto limited = [&]() -> Coro<int> { co_return co_await weft::timeout(1s, deep(deep, 100)); };
        const Task<int> task = create_task(limited(), kEager);
        const int result = co_await task;
        CHECK(result == 101);
        auto too_late = [&]() -> Coro<> { co_await weft::timeout(1ms, sleep(1s)); };
        const std::string how = co_await ended(create_task(too_late(), kEager));
        CHECK(how == "error: timed out");
    };
    loop.run_until_complete(body());
}

TEST_CASE("eager: inside a branch of a fork_join, and forking itself") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto forks = [](int n) -> Coro<int> {
            const auto [a, b] = co_await weft::fork_join(value(n), value(n + 1));
            co_return a + b;
        };
        auto branch = [&](int n) -> Coro<int> {
            const AnyTask me = current_task();
            const Task<int> task = create_task(forks(n), kEager);
            CHECK(current_task() == me);
            CHECK(task.done());
            const Task<int> parked = create_task(after(1s, n), kEager);
            CHECK(current_task() == me);
            const int later = co_await parked;
            CHECK(current_task() == me);
            co_return task.result() + later;
        };
        const auto [x, y] = co_await weft::fork_join(branch(1), branch(10));
        CHECK(x == 4);
        CHECK(y == 31);
    };
    loop.run_until_complete(body());
}

TEST_CASE("eager: an empty body, a move-only value, one that is dropped; a loop that closes with parked ones") {
    const Reports reports;
    auto held = std::make_shared<int>(1);
    {
        VirtualLoop loop;
        auto body = [&]() -> Coro<> {
            auto empty = []() -> Coro<> { co_return; };
            CHECK(create_task(empty(), kEager).done());
            auto moves = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
            const std::unique_ptr<int> moved = co_await create_task(moves(), kEager);
            CHECK(*moved == 5);
            auto holds = [](std::shared_ptr<int>) -> Coro<> { co_await sleep(1h); };
            (void)create_task(holds(held), kEager);
        };
        loop.run_until_complete(body());
        CHECK(held.use_count() == 2);
    }
    CHECK(held.use_count() == 1);
    CHECK(reports.count("Task was destroyed but it is pending!") == 1);
}

TEST_CASE("eager: on many loops: parked ones are woken elsewhere while their creators go on") {
    constexpr std::size_t kLoops = 4;
    constexpr int kRounds = 300;
    const Group group(kLoops);
    auto waits = [](Future<int> future) -> Coro<int> {
        const AnyTask me = current_task();
        const int n = co_await future;
        co_return current_task() == me ? n : -1000;
    };
    auto creates = [&](std::size_t seed) -> Coro<int> {
        int sum = 0;
        for (std::size_t round = 0; round < kRounds; ++round) {
            const AnyTask me = current_task();
            const auto future = create_future<int>();
            auto sets = [](Future<int> which) -> Coro<> {
                which.set_result(1);
                co_return;
            };
            const auto setter = create_task(sets(future), {.loop = &group.loop((round + seed) % kLoops)});
            const Task<int> eager = create_task(waits(future), kEager);
            const Task<int> pinned =
                create_task(waits(future), {.loop = &group.loop((round + 1) % kLoops), .eager_start = true});
            sum += current_task() == me ? 0 : -1000;
            sum += co_await eager;
            sum += co_await pinned;
            co_await setter;
        }
        co_return sum;
    };
    auto main = [&]() -> Coro<int> {
        std::vector<Task<int>> tasks;
        for (std::size_t i = 0; i < 8; ++i) tasks.push_back(create_task(creates(i), {.loop = weft::any_loop}));
        int sum = 0;
        for (const auto& task : tasks) sum += co_await task;
        co_return sum;
    };
    CHECK(group.run(main()) == 8 * kRounds * 2);
    CHECK(group.rescues() == 0);
}

// An eager task that forks inside a branch leaves its own branches on top of the enclosing join's in the loop's deque.
TEST_CASE("eager: on many loops, inside branches, with forks of their own that suspend or are stolen") {
    const Group group(4);
    auto leaf = [](int n) -> Coro<int> {
        if (n % 3 == 0) co_await sleep(0s);
        if (n % 7 == 0) co_await sleep(10us);
        co_return n;
    };
    auto forks = [&](int n) -> Coro<int> {
        std::vector<Coro<int>> leaves;
        for (int i = 0; i < 4; ++i) leaves.push_back(leaf(n + i));
        const std::vector<int> results = co_await weft::fork_join(std::move(leaves));
        co_return results[0] + results[1] + results[2] + results[3];
    };
    auto branch = [&](int n) -> Coro<int> {
        const Task<int> task = create_task(forks(n), kEager);
        if (n % 2 == 0) co_await sleep(0s);
        const Task<int> other = create_task(forks(n + 100), kEager);
        co_return co_await task + co_await other;
    };
    auto root = [&](int n) -> Coro<int> {
        std::vector<Coro<int>> branches;
        for (int i = 0; i < 8; ++i) branches.push_back(branch(n + i));
        const std::vector<int> results = co_await weft::fork_join(std::move(branches));
        int sum = 0;
        for (const int result : results) sum += result;
        co_return sum;
    };
    auto main = [&]() -> Coro<int> {
        int wrong = 0;
        for (int round = 0; round < 60; ++round) {
            std::vector<Task<int>> tasks;
            for (int i = 0; i < 4; ++i) tasks.push_back(create_task(root(i), {.loop = weft::any_loop}));
            for (int i = 0; i < 4; ++i) {
                int expected = 0;
                for (int b = 0; b < 8; ++b) expected += 4 * (i + b) + 6 + 4 * (i + b + 100) + 6;
                wrong += co_await tasks[static_cast<std::size_t>(i)] != expected;
            }
        }
        co_return wrong;
    };
    CHECK(group.run(main()) == 0);
    CHECK(group.rescues() == 0);
}
