// run_in_executor and to_thread: rules 216 to 222 where plain threads do the work. Jobs run when the test says so
// (ManualExecutor), or on the threads of the default pool, which then meet the test through latches.
#include "sync/run_in_executor.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/context_var.hpp"
#include "sync/default_executor.hpp"
#include "sync/sleep.hpp"
#include "tests/support/countdown.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/group.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::Executor;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::to_thread;
using weft::sync::ContextSlot;
using weft::sync::DefaultExecutor;
using weft::sync::shutdown_default_executor;
using weft::sync::start_job;
using weft::test::Countdown;
using weft::test::ended;
using weft::test::eventually;
using weft::test::Group;
using weft::test::ManualExecutor;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

namespace {

// A loop whose jobs run when the test says so.
struct Bench {
    VirtualLoop loop;
    ManualExecutor executor;

    template <class F, class... Args>
    auto start(F&& fn, Args&&... args) {
        return start_job(loop.loop(), ContextSlot(), &executor, std::forward<F>(fn), std::forward<Args>(args)...);
    }
};

}  // namespace

TEST_CASE("run_in_executor: the loop completes the future, in a turn of its own; the awaiter goes on in the next") {
    Bench bench;
    const Future<int> future = bench.start([](int a, int b) { return a + b; }, 3, 4);
    const auto task = bench.loop.create(ended(future));
    bench.loop.turn();
    CHECK(bench.executor.waiting() == 1);
    bench.executor.run_one();
    CHECK_FALSE(future.done());  // nothing changes between two turns
    bench.loop.turn();
    CHECK(future.result() == 7);
    CHECK_FALSE(task.done());
    bench.loop.turn();
    CHECK(task.result() == "value");
}

TEST_CASE("run_in_executor: function and arguments are moved in when it is called, used once, and destroyed there") {
    Bench bench;
    auto held = std::make_unique<int>(5);
    auto shared = std::make_shared<int>(1);
    const auto future = bench.start(
        [shared](std::unique_ptr<int> number) {
            *number += 1;
            return number;
        },
        std::move(held));
    CHECK(held == nullptr);
    CHECK(shared.use_count() == 2);
    bench.executor.run_one();
    CHECK(shared.use_count() == 1);
    auto take = [&]() -> Coro<int> {
        const std::unique_ptr<int> number = co_await future;
        co_return *number;
    };
    const int number = bench.loop.run_until_complete(take());
    CHECK(number == 6);
}

TEST_CASE("run_in_executor: void, references and exceptions") {
    Bench bench;
    int done = 0;
    const Future<> nothing = bench.start([&] { ++done; });
    static std::string text = "text";
    const Future<std::string> copy = bench.start([]() -> const std::string& { return text; });
    const Future<int> fails = bench.start([]() -> int { throw std::runtime_error("boom"); });
    const Future<int> cancels = bench.start([]() -> int { throw weft::CancelledError("mine"); });
    for (int i = 0; i < 4; ++i) bench.executor.run_one();
    bench.loop.turn();
    CHECK(done == 1);
    CHECK(nothing.done());
    CHECK(copy.result() == "text");
    CHECK(thrown_by([&] { return fails.result(); }) == "error: boom");
    CHECK(thrown_by([&] { return cancels.result(); }) == "cancelled: mine");
    CHECK_FALSE(cancels.cancelled());  // rule 36
}

TEST_CASE("rule 220: cancelling the future before the job has begun: it never runs") {
    const Reports reports;
    Bench bench;
    bool ran = false;
    auto held = std::make_shared<int>(1);
    const Future<> future = bench.start([&ran, held] { ran = true; });
    CHECK(future.cancel());
    CHECK(future.cancelled());
    bench.executor.run_one();
    CHECK(held.use_count() == 1);
    bench.loop.call_soon([] {});
    bench.loop.turn();
    CHECK_FALSE(ran);
    CHECK(reports.all().empty());
}

TEST_CASE("rule 220: cancelling while the job runs: it runs on, its outcome is dropped") {
    const Reports reports;
    Bench bench;
    int steps = 0;
    Future<std::shared_ptr<int>> future;
    auto held = std::make_shared<int>(1);
    const auto job = [&] {
        ++steps;
        future.cancel("late");
        ++steps;
        return held;
    };
    future = bench.start(job);
    const auto task = bench.loop.create(ended(future));
    bench.loop.turn();
    bench.executor.run_one();
    CHECK(steps == 2);
    CHECK(future.cancelled());
    CHECK(held.use_count() == 1);
    bench.loop.turn();
    CHECK(task.result() == "cancelled: late");
    const Future<int> fails = bench.start([]() -> int { throw std::runtime_error("nobody asks"); });
    bench.executor.run_one();
    fails.cancel();  // between the job's end and the turn that would have delivered it
    bench.loop.turn();
    CHECK(fails.cancelled());
    CHECK(reports.all().empty());
}

TEST_CASE("rule 220: a cancelled task gives up the job that it awaits") {
    Bench bench;
    bool ran = false;
    auto waits = [&]() -> Coro<> {
        const Future<> future = bench.start([&] { ran = true; });
        co_await future;
    };
    const auto task = bench.loop.create(waits());
    bench.loop.turn();
    task.cancel();
    bench.loop.turn();
    CHECK(task.cancelled());
    bench.executor.run_one();
    CHECK_FALSE(ran);
}

TEST_CASE("run_in_executor: an executor that drops a job, or refuses it, leaves nobody waiting") {
    const Reports reports;
    Bench bench;
    const Future<> dropped = bench.start([] {});
    const auto task = bench.loop.create(ended(dropped));
    bench.loop.turn();
    bench.executor.drop_one();
    bench.loop.turn(2);
    CHECK(task.result() == "error: the executor dropped the job without running it");

    auto held = std::make_shared<int>(1);
    bench.executor.refuse();
    CHECK(thrown_by([&] { return bench.start([held] {}); }) == "error: refused");
    CHECK(held.use_count() == 1);
    bench.loop.call_soon([] {});
    bench.loop.turn();
    CHECK(reports.all().empty());
}

TEST_CASE("run_in_executor: what arrives after the loop has closed is dropped") {
    const Reports reports;
    ManualExecutor executor;
    Future<std::shared_ptr<int>> early;
    Future<std::shared_ptr<int>> late;
    Future<> fails;
    auto held = std::make_shared<int>(1);
    {
        VirtualLoop loop;
        early = start_job(loop.loop(), ContextSlot(), &executor, [held] { return held; });
        late = start_job(loop.loop(), ContextSlot(), &executor, [held] { return held; });
        fails = start_job(loop.loop(), ContextSlot(), &executor, [] { throw std::runtime_error("unheard"); });
        executor.run_one();  // queued for the loop, which closes without another turn
    }
    CHECK_FALSE(early.done());
    CHECK(held.use_count() == 2);
    executor.run_one();
    executor.run_one();
    CHECK_FALSE(late.done());
    CHECK_FALSE(fails.done());
    CHECK(held.use_count() == 1);
    CHECK(reports.all().empty());
}

TEST_CASE("rule 220: without an executor it is the default pool, made lazily, on other threads") {
    Group group(1);
    std::thread::id where;
    auto body = [&]() -> Coro<> {
        where = co_await to_thread([] { return std::this_thread::get_id(); });
        CHECK(where != std::this_thread::get_id());
        CHECK(weft::scheduler::current_loop() != nullptr);
    };
    group.run(body());
    CHECK(where != std::this_thread::get_id());
}

TEST_CASE("run_in_executor: one default executor for all loops of a group; the program may choose it") {
    ManualExecutor executor;
    const Group group(2);
    auto choose = [&]() -> Coro<> {
        DefaultExecutor::of(weft::sync::require_loop()).choose(&executor);
        co_return;
    };
    group.run(choose(), 0);
    auto starts = [&]() -> Coro<Future<int>> { co_return to_thread([] { return 4; }); };
    const Future<int> future = group.run(starts(), 1);
    CHECK(executor.waiting() == 1);
    executor.run_one();
    auto waits = [&]() -> Coro<int> { co_return co_await future; };
    CHECK(group.run(waits(), 0) == 4);
    CHECK(thrown_by([&] {
              DefaultExecutor::of(group.loop(0)).choose(nullptr);
              return 0;
          }) == "error: set_default_executor: expected an Executor, got nullptr");
}

TEST_CASE("rule 221: to_thread runs in a copy of the caller's context; what it sets does not come back") {
    const Group group(1);
    weft::ContextVar<std::string> variable{"variable", "unset"};
    auto body = [&]() -> Coro<> {
        variable.set("caller");
        const Future<std::string> seen = to_thread([&] {
            std::string before = variable.get();
            variable.set("thread");
            return before + ", then " + variable.get();
        });
        variable.set("later");
        const std::string text = co_await seen;
        CHECK(text == "caller, then thread");
        CHECK(variable.get() == "later");
        const std::string again = co_await to_thread([&] { return variable.get(); });
        CHECK(again == "later");
    };
    group.run(body());
}

TEST_CASE("run_in_executor: a job that was not given a context has an empty one, for itself") {
    Bench bench;
    weft::ContextVar<int> variable{"variable", 0};
    for (int i = 0; i < 2; ++i) {
        const Future<int> future = bench.start([&] {
            const int before = variable.get();
            variable.set(7);
            return before;
        });
        bench.executor.run_one();
        bench.loop.turn();
        CHECK(future.result() == 0);
        CHECK(variable.get() == 0);
    }
}

TEST_CASE("run_in_executor: to_thread outside a loop is an error") {
    auto held = std::make_shared<int>(1);
    CHECK(thrown_by([&] { return to_thread([held] {}); }) == "error: no running event loop");
    CHECK(held.use_count() == 1);
}

TEST_CASE("rule 222: after shutdown_default_executor new jobs are refused, but not by an executor that is named") {
    const Reports reports;
    Bench bench;
    auto body = [&]() -> Coro<> {
        co_await shutdown_default_executor(bench.loop.loop(), std::nullopt);
        CHECK(thrown_by([] { return to_thread([] {}); }) == "error: Executor shutdown has been called");
        // Choosing another one does not take it back.
        DefaultExecutor::of(bench.loop.loop()).choose(&bench.executor);
        CHECK(thrown_by([] { return to_thread([] {}); }) == "error: Executor shutdown has been called");
        CHECK(bench.executor.waiting() == 0);
        const Future<int> named = bench.start([] { return 1; });
        bench.executor.run_one();
        const int one = co_await named;
        CHECK(one == 1);
        co_await shutdown_default_executor(bench.loop.loop(), std::nullopt);  // again
    };
    bench.loop.run_until_complete(body());
    CHECK(reports.all().empty());
}

TEST_CASE("rule 222: the shutdown waits for what was accepted, and that is delivered first") {
    const Group group(1);
    std::latch gate(1);
    std::vector<std::string> log;
    auto body = [&]() -> Coro<> {
        auto waits = [&](Future<int> future) -> Coro<> {
            const int value = co_await future;
            log.push_back("job " + std::to_string(value));
        };
        const auto waiting = create_task(waits(to_thread([&] {
            gate.wait();
            return 1;
        })));
        auto shuts = [&]() -> Coro<> {
            co_await shutdown_default_executor(weft::sync::require_loop(), std::nullopt);
            log.emplace_back("shut down");
        };
        const auto shutdown = create_task(shuts());
        co_await sleep(0s);
        co_await sleep(0s);
        CHECK(log.empty());
        gate.count_down();
        co_await shutdown;
        co_await waiting;
    };
    group.run(body());
    CHECK(log == std::vector<std::string>{"job 1", "shut down"});
}

TEST_CASE("rule 222: a shutdown with a limit gives up, and says so") {
    const Reports reports;
    VirtualLoop loop;
    ManualExecutor executor;
    DefaultExecutor::of(loop.loop()).choose(&executor);
    auto body = [&]() -> Coro<> {
        const Future<int> future = to_thread([] { return 1; });
        co_await shutdown_default_executor(loop.loop(), 300s);
        CHECK(loop.now().time_since_epoch() == 300s);
        CHECK(reports.count("The executor did not finishing joining its threads within 300 seconds.") == 1);
        executor.run_one();
        const int one = co_await future;
        CHECK(one == 1);
        co_await shutdown_default_executor(loop.loop(), 300s);  // in time
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
    CHECK(reports.all().size() == 1);
}

TEST_CASE("rule 222: the pool's threads are left to themselves when the limit has passed") {
    const Reports reports;
    auto gate = std::make_shared<std::latch>(1);
    auto done = std::make_shared<Countdown>(1);
    {
        const Group group(1);
        auto body = [&]() -> Coro<> {
            const Future<> future = to_thread([gate, done] {
                gate->wait();
                done->count_down();
            });
            co_await shutdown_default_executor(weft::sync::require_loop(), 1ms);
        };
        group.run(body());
    }  // does not wait
    CHECK(reports.count("within 0.001 seconds.") == 1);
    CHECK(done->left() == 1);
    gate->count_down();
    CHECK(done->wait());
    CHECK(eventually([&] { return done.use_count() == 1; }));
}

TEST_CASE("rule 222: cancelling the shutdown stops the waiting only") {
    VirtualLoop loop;
    ManualExecutor executor;
    DefaultExecutor::of(loop.loop()).choose(&executor);
    auto body = [&]() -> Coro<> {
        const Future<> job = to_thread([] {});
        const auto shutdown = create_task(shutdown_default_executor(loop.loop(), 300s));
        co_await sleep(0s);
        shutdown.cancel();
        co_await sleep(0s);
        co_await sleep(0s);
        CHECK(shutdown.cancelled());
        CHECK(thrown_by([] { return to_thread([] {}); }) == "error: Executor shutdown has been called");
        executor.run_one();
        co_await job;
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("run_in_executor: a group that ends waits for its pool, whose outcomes are dropped") {
    std::latch started(1);
    std::latch gate(1);
    int ran = 0;
    std::jthread opener;
    {
        const Group group(2);
        auto starts = [&]() -> Coro<> {
            const Future<> future = to_thread([&] {
                started.count_down();
                gate.wait();
                ++ran;
            });
            co_return;
        };
        group.run(starts());
        started.wait();
        opener = std::jthread([&] { gate.count_down(); });
    }
    CHECK(ran == 1);
}

TEST_CASE("rule 220: many tasks on many loops, each with a job, a third of them cancelled at any time") {
    constexpr int kTasks = 600;
    const Reports reports;
    int values = 0;
    int cancelled = 0;
    {
        const Group group(3);
        auto waits = [](int n) -> Coro<int> {
            const auto owned = std::make_shared<int>(n);
            const auto back = co_await to_thread([owned] { return *owned; });
            co_return back;
        };
        auto body = [&]() -> Coro<> {
            std::vector<Task<int>> tasks;
            for (int i = 0; i < kTasks; ++i) {
                tasks.push_back(create_task(waits(i)));
                if (i >= 7 && i % 3 == 0) tasks[static_cast<std::size_t>(i) - 7].cancel();
                if (i % 32 == 0) co_await sleep(0s);
            }
            for (int i = 0; i < kTasks; ++i) {
                try {
                    const int value = co_await tasks[static_cast<std::size_t>(i)];
                    CHECK(value == i);
                    ++values;
                } catch (const weft::CancelledError&) {
                    ++cancelled;
                }
            }
            co_await shutdown_default_executor(weft::sync::require_loop(), std::nullopt);
        };
        group.run(body());
        CHECK(group.rescues() == 0);
    }
    CHECK(values + cancelled == kTasks);
    CHECK(values >= kTasks / 2);
    CHECK(reports.all().empty());
}
