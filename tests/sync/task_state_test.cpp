// Cancellation, rule by rule; the rest of a task's life is in task_test.
#include "sync/task_state.hpp"
#include "sync/task_list.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/future.hpp"
#include "sync/gather.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/simulation.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::CancelledError;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::Simulation;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

template <class T>
Coro<T> wait_on(Future<T> future) {
    co_return co_await future;
}

// Says once that it was cancelled, and goes on to a second future.
Coro<std::string> swallow_then(Future<> first, Future<> second) {
    const std::string how = co_await ended(first);
    const std::string then = co_await ended(second);
    co_return how + ", " + then;
}

}  // namespace

TEST_CASE("rule 93: what was awaited ended cancelled: its message goes before that of a request that came later") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto pending = create_future();
        const auto forwarded = create_task(swallow_then(pending, create_future()));
        const auto by_another = create_future();
        const auto marked = create_task(swallow_then(by_another, create_future()));
        co_await sleep(0s);
        CHECK(forwarded.cancel("first"));
        CHECK(forwarded.cancel("second"));
        by_another.cancel("by another");
        CHECK(marked.cancel("by me"));
        co_await sleep(0s);
        // Both requests are answered: the next suspension is not hit.
        co_await sleep(0s);
        CHECK_FALSE(forwarded.done());
        CHECK_FALSE(marked.done());
        forwarded.cancel("third");
        marked.cancel();
        const std::string how_forwarded = co_await forwarded;
        const std::string how_marked = co_await marked;
        CHECK(how_forwarded == "cancelled: first, cancelled: third");
        CHECK(how_marked == "cancelled: by another, cancelled");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 86: a request that what is awaited refuses, because it is as good as done, keeps its message") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto child = create_future();
        const auto all = gather(child);
        auto cancels_itself = [&]() -> Coro<> {
            child.set_result();  // the gather ends a turn later, and has nobody left to cancel
            current_task().cancel("kept");
            co_await all;
        };
        const auto task = create_task(cancels_itself());
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled: kept");
        CHECK(all.done());
        CHECK_FALSE(all.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 73: cancel counts and is a request; on a done task it is false") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = create_future();
        const auto task = create_task(wait_on(future));
        CHECK(task.cancelling() == 0);
        co_await sleep(0s);
        CHECK(task.cancel());
        CHECK(task.cancelling() == 1);
        CHECK_FALSE(task.done());
        CHECK_FALSE(task.cancelled());
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled");
        CHECK(task.cancelled());
        CHECK_FALSE(task.cancel());
        CHECK(task.cancelling() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 76: cancelled before the first step, the body is never entered") {
    VirtualLoop loop;
    auto held = std::make_shared<int>(1);
    bool entered = false;
    auto never = [&](std::shared_ptr<int>) -> Coro<> {
        entered = true;
        co_return;
    };
    auto body = [&]() -> Coro<> {
        const auto task = create_task(never(held));
        CHECK(task.cancel("too early"));
        CHECK_FALSE(task.done());
        co_await sleep(0s);
        CHECK(task.cancelled());
        CHECK(held.use_count() == 1);
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled: too early");
    };
    loop.run_until_complete(body());
    CHECK_FALSE(entered);
}

TEST_CASE("rules 74 and 77: cancelled on a plain future, the future ends at once, the task a turn later") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        const auto task = create_task(wait_on(future));
        co_await sleep(0s);
        task.cancel("stop");
        CHECK(future.cancelled());
        CHECK_FALSE(task.done());
        co_await sleep(0s);
        CHECK(task.cancelled());
        CHECK(thrown_by([&] { return future.result(); }) == "cancelled: stop");
        CHECK(thrown_by([&] { return task.result(); }) == "cancelled: stop");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 78 and 79: cancelled between completion and wake-up, the cancellation wins") {
    const Reports reports;
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = create_future<int>();
        const auto broken = create_future<int>();
        const auto a = create_task(wait_on(future));
        const auto b = create_task(wait_on(broken));
        co_await sleep(0s);
        future.set_result(5);
        broken.set_exception(std::runtime_error("boom"));
        CHECK(a.cancel("late"));
        CHECK(b.cancel("late"));
        const std::string how_a = co_await ended(a);
        const std::string how_b = co_await ended(b);
        CHECK(how_a == "cancelled: late");
        CHECK(how_b == "cancelled: late");
        CHECK(future.result() == 5);  // lost to the task, not to the future
        CHECK(broken.exception() != nullptr);
    };
    loop.run_until_complete(body());
    CHECK(reports.all().empty());
}

TEST_CASE("rule 101: a done callback between completion and wake-up may cancel the waiter") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = create_future<int>();
        Task<int> task;
        future.add_done_callback([&task](const Future<int>&) { CHECK(task.cancel("from a callback")); });
        task = create_task(wait_on(future));
        co_await sleep(0s);
        future.set_result(5);
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled: from a callback");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 80 and 83: a cancel goes down the chain, the tasks end bottom up after their cleanup") {
    VirtualLoop loop;
    Log log;
    const auto future = create_future();
    auto inner = [&]() -> Coro<> {
        const std::string how = co_await ended(future);
        log.push_back("inner " + how);
        co_await sleep(0s);
        co_await sleep(0s);
        log.emplace_back("inner cleaned up");
        throw CancelledError(how);
    };
    auto outer = [&](const char* name, Task<> below) -> Coro<> {
        const std::string how = co_await ended(below);
        log.push_back(std::string(name) + (how.starts_with("cancelled") ? " cancelled" : " " + how));
        CHECK(below.cancelled());
        throw CancelledError("passed on");
    };
    auto body = [&]() -> Coro<> {
        const auto bottom = create_task(inner());
        const auto middle = create_task(outer("middle", bottom));
        const auto top = create_task(outer("top", middle));
        co_await sleep(0s);
        CHECK(top.cancel("all"));
        CHECK(future.cancelled());
        CHECK(bottom.cancelling() == 1);
        CHECK(middle.cancelling() == 1);
        CHECK(top.cancelling() == 1);
        CHECK(log.empty());
        (void)co_await ended(top);
        CHECK(log == Log{"inner cancelled: all", "inner cleaned up", "middle cancelled", "top cancelled"});
        CHECK(top.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 81 and 82: what the inner task makes of a request is what the outer one gets") {
    VirtualLoop loop;
    const auto future = create_future();
    auto inner = [&](bool fails) -> Coro<int> {
        (void)co_await ended(future);
        if (fails) throw std::runtime_error("cleanup failed");
        co_return 9;
    };
    auto outer = [](Task<int> below) -> Coro<int> { co_return co_await below; };
    auto body = [&](bool fails) -> Coro<> {
        const auto below = create_task(inner(fails));
        const auto above = create_task(outer(below));
        co_await sleep(0s);
        CHECK(above.cancel());
        const std::string how = co_await ended(above);
        CHECK(how == (fails ? "error: cleanup failed" : "value"));
        CHECK_FALSE(above.cancelled());
        CHECK(above.cancelling() == 1);
    };
    SUBCASE("swallowed") { loop.run_until_complete(body(false)); }
    SUBCASE("another exception") { loop.run_until_complete(body(true)); }
}

TEST_CASE("rules 84 and 85: cancel oneself, then return or raise without suspending") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto returns = []() -> Coro<int> {
            current_task().cancel("myself");
            co_return 1;
        };
        auto raises = []() -> Coro<int> {
            current_task().cancel();
            throw std::runtime_error("wins");
            co_return 1;
        };
        const auto a = create_task(returns());
        const auto b = create_task(raises());
        const std::string how_a = co_await ended(a);
        const std::string how_b = co_await ended(b);
        CHECK(how_a == "cancelled: myself");
        CHECK(how_b == "error: wins");
        CHECK(a.cancelled());
        CHECK_FALSE(b.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 86: cancel oneself, then await: the first real suspension is hit") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto nothing = []() -> Coro<int> { co_return 2; };
        auto on_future = [&]() -> Coro<std::string> {
            const auto done = create_future<int>();
            done.set_result(1);
            const auto pending = create_future<int>();
            current_task().cancel("me");
            const int passes = co_await done + co_await nothing();
            CHECK(passes == 3);
            const std::string how = co_await ended(pending);
            CHECK(pending.cancelled());
            co_return how;
        };
        auto in_sleep = [&]() -> Coro<std::string> {
            current_task().cancel("me");
            const int turn = loop.turns();
            const std::string how = co_await ended(sleep(0s));
            CHECK(loop.turns() == turn + 1);
            co_return how;
        };
        const std::string a = co_await create_task(on_future());
        const std::string b = co_await create_task(in_sleep());
        CHECK(a == "cancelled: me");
        CHECK(b == "cancelled: me");
    };
    loop.run_until_complete(body());
}

TEST_CASE(
    "rules 87, 91 and 93: two cancels before delivery are one CancelledError: the last mark's, or the awaited's") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto never = create_future();
        auto marked = [](Future<> future) -> Coro<std::string> {
            current_task().cancel("first");
            current_task().cancel("second");
            const std::string how = co_await ended(sleep(0s));
            const std::string then = co_await ended(sleep(0s));
            (void)future;
            co_return how + ", " + then;
        };
        const auto task = create_task(marked(never));
        const std::string how = co_await task;
        CHECK(how == "cancelled: second, value");
        CHECK(task.cancelling() == 2);

        // Forwarded: the message of the request that the future accepted.
        const auto future = create_future();
        const auto forwarded = create_task(swallow_then(future, create_future()));
        co_await sleep(0s);
        forwarded.cancel("one");
        forwarded.cancel("two");
        CHECK(forwarded.cancelling() == 2);
        co_await sleep(0s);
        CHECK_FALSE(forwarded.done());
        forwarded.cancel("three");
        const std::string both = co_await forwarded;
        CHECK(both == "cancelled: one, cancelled: three");
        CHECK(forwarded.cancelling() == 3);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 88: a second cancel interrupts the cleanup") {
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        auto stubborn = [&]() -> Coro<> {
            log.push_back(co_await ended(sleep(1h)));
            log.push_back(co_await ended(sleep(1h)));
            log.push_back(co_await ended(sleep(1s)));
        };
        const auto task = create_task(stubborn());
        co_await sleep(0s);
        task.cancel("first");
        co_await sleep(0s);
        task.cancel("second");
        const std::string how = co_await ended(task);
        CHECK(how == "value");
        CHECK(log == Log{"cancelled: first", "cancelled: second", "value"});
        CHECK(loop.now().time_since_epoch() == 1s);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 89 and 91: swallowed, nothing is redelivered and the count stays") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto swallows = []() -> Coro<int> {
            (void)co_await ended(sleep(1h));
            co_await sleep(0s);
            co_await sleep(1s);
            co_return 4;
        };
        const auto task = create_task(swallows());
        co_await sleep(0s);
        task.cancel();
        const int value = co_await task;
        CHECK(value == 4);
        CHECK(task.cancelling() == 1);
        CHECK_FALSE(task.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 89: swallowed in sleep(0), the next suspensions are not hit") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto yields = []() -> Coro<std::string> {
            const std::string first = co_await ended(sleep(0s));
            const std::string second = co_await ended(sleep(0s));
            const std::string third = co_await ended(sleep(1s));
            co_return first + ", " + second + ", " + third;
        };
        const auto task = create_task(yields());
        co_await sleep(0s);
        task.cancel();
        const std::string how = co_await task;
        CHECK(how == "cancelled, value, value");
        CHECK(task.cancelling() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 90: uncancel lowers the count, not below zero, and at zero withdraws the undelivered mark") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto changes_its_mind = []() -> Coro<std::string> {
            const weft::AnyTask self = current_task();
            CHECK(self.uncancel() == 0);
            self.cancel();
            self.cancel();
            CHECK(self.uncancel() == 1);
            CHECK(self.uncancel() == 0);
            CHECK(self.uncancel() == 0);
            const std::string how = co_await ended(sleep(0s));
            self.cancel();
            self.cancel();
            CHECK(self.uncancel() == 1);  // one is left: it is delivered
            co_return how + ", " + co_await ended(sleep(0s));
        };
        const auto task = create_task(changes_its_mind());
        const std::string how = co_await task;
        CHECK(how == "value, cancelled");
        CHECK(task.cancelling() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 94: the first reader of a cancelled task gets the message") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto cancelled = []() -> Coro<> {
            throw CancelledError("the original");
            co_return;
        };
        const auto task = create_task(cancelled());
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled: the original");
        const std::string again = co_await ended(task);
        CHECK(again == "cancelled");
        CHECK(thrown_by([&] { return task.result(); }) == "cancelled");
        CHECK(task.cancelled());  // rule 57
        CHECK(task.cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 84 and 94: a body that returned raised no CancelledError, so every reader gets the message") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto returns = []() -> Coro<> {
            current_task().cancel("the request");
            co_return;
        };
        const auto task = create_task(returns());
        const std::string first = co_await ended(task);
        const std::string second = co_await ended(task);
        CHECK(first == "cancelled: the request");
        CHECK(second == "cancelled: the request");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 93: what is awaited was cancelled itself: a later request adds no CancelledError of its own") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = weft::create_future<>();
        const auto task = create_task(ended(future));
        co_await sleep(0s);
        future.cancel("the future's");
        task.cancel("the task's");
        const std::string how = co_await task;
        CHECK(how == "cancelled: the future's");

        const auto failed = weft::create_future<>();
        const auto waits = create_task(ended(failed));
        co_await sleep(0s);
        failed.set_exception(std::runtime_error("lost"));
        waits.cancel("the task's");
        const std::string now = co_await waits;
        CHECK(now == "cancelled: the task's");  // rule 79
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 95: a handler for ordinary errors does not catch a cancellation") {
    static_assert(!std::is_base_of_v<std::exception, CancelledError>);
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto careless = []() -> Coro<> {
            try {
                co_await sleep(1h);
            } catch (const std::exception&) {
                FAIL("swallowed");
            }
        };
        const auto task = create_task(careless());
        co_await sleep(0s);
        task.cancel();
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 96 and 97: a cancelled child raises in its parent, whose count stays zero") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto never = create_future();
        const auto child = create_task(wait_on(never));
        auto catches = [](Task<> below) -> Coro<std::string> {
            const std::string how = co_await ended(below);
            co_return how + " " + std::to_string(current_task().cancelling());
        };
        auto lets_through = [](Task<> below) -> Coro<> { co_await below; };
        const auto a = create_task(catches(child));
        const auto b = create_task(lets_through(child));
        co_await sleep(0s);
        child.cancel("child only");
        const std::string how_a = co_await a;
        const std::string how_b = co_await ended(b);
        CHECK(how_a == "cancelled: child only 0");
        CHECK(how_b.starts_with("cancelled"));
        CHECK(b.cancelled());
        CHECK(b.cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 98: an exception raised while handling the cancellation replaces it") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        auto fails = []() -> Coro<> {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                throw std::runtime_error("in the handler");
            }
        };
        const auto task = create_task(fails());
        co_await sleep(0s);
        task.cancel();
        const std::string how = co_await ended(task);
        CHECK(how == "error: in the handler");
        CHECK_FALSE(task.cancelled());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 99: code that never suspends does not notice") {
    VirtualLoop loop;
    int steps = 0;
    auto body = [&]() -> Coro<> {
        auto busy = [&]() -> Coro<int> {
            current_task().cancel();
            auto step = []() -> Coro<int> { co_return 1; };
            for (int i = 0; i < 100; ++i) steps += co_await step();
            const std::string how = co_await ended(sleep(0s));
            CHECK(how == "cancelled");
            co_return steps;
        };
        const int value = co_await create_task(busy());
        CHECK(value == 100);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 75: what is awaited refuses because it is done already, with many waiters") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto future = create_future<int>();
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(create_task(wait_on(future)));
        co_await sleep(0s);
        future.set_result(1);
        tasks[1].cancel();
        tasks[3].cancel();
        Log log;
        for (const auto& task : tasks) log.push_back(co_await ended(task));
        CHECK(log == Log{"value", "cancelled", "value", "cancelled"});
    };
    loop.run_until_complete(body());
}

// Departure from rule 100: any loop and any thread may cancel.
TEST_CASE("cancel from another loop: every task ends once, whichever loop it runs on") {
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        Simulation simulation(3, seed);
        for (std::size_t i = 0; i < 3; ++i)
            (void)weft::scheduler::LoopLocal<weft::sync::TaskList>::of(simulation.loop(i));
        int values = 0;
        int cancelled = 0;
        auto main = [&]() -> Coro<> {
            std::vector<Task<int>> tasks;
            std::vector<Future<int>> futures;
            for (int i = 0; i < 12; ++i) {
                futures.push_back(create_future<int>());
                tasks.push_back(create_task(wait_on(futures.back()), {.loop = weft::any_loop}));
            }
            auto cancels = [](std::vector<Task<int>> all) -> Coro<> {
                for (const auto& task : all) {
                    task.cancel("race");
                    co_await sleep(0s);
                }
            };
            auto completes = [](std::vector<Future<int>> all) -> Coro<> {
                for (std::size_t i = all.size(); i-- > 0;) {
                    (void)all[i].try_set_result(1);
                    co_await sleep(0s);
                }
            };
            const auto a = create_task(cancels(tasks), {.loop = &simulation.loop(1)});
            const auto b = create_task(completes(futures), {.loop = &simulation.loop(2)});
            for (const auto& task : tasks) {
                const std::string how = co_await ended(task);
                values += how == "value";
                cancelled += how.starts_with("cancelled");
            }
            co_await a;
            co_await b;
        };
        const auto root = create_task(main(), {.loop = &simulation.loop(0)});
        simulation.run_until([&] { return root.done(); });
        CHECK(values + cancelled == 12);
        CHECK_NOTHROW(root.result());
    }
}
