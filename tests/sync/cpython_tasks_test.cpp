// What CPython's test_tasks, test_eager_task_factory and test_waitfor check and no other test here does.
// tests/conformance/cpython.toml says which test covers which of CPython's.
#include <doctest/doctest.h>

#include <algorithm>
#include <concepts>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/handle.hpp"
#include "sync/as_completed.hpp"
#include "sync/gather.hpp"
#include "sync/shield.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/task_group.hpp"
#include "sync/timeout.hpp"
#include "sync/wait.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::AnyTask;
using weft::CancelledError;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::ensure_future;
using weft::Future;
using weft::gather;
using weft::shield;
using weft::sleep;
using weft::SystemExit;
using weft::Task;
using weft::TaskGroup;
using weft::TimeoutError;
using weft::test::ended;
using weft::test::VirtualLoop;

namespace {

Coro<int> number(int n) { co_return n; }

Coro<int> number_after(int n, weft::Duration delay) {
    co_await sleep(delay);
    co_return n;
}

// Swallows one cancellation.
Coro<std::string> stubborn() { co_return co_await ended(sleep(100s)); }

}  // namespace

TEST_CASE("ensure_future: a handle stays what it is, whatever else can be awaited becomes a task") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto task = ensure_future(number(3));
        static_assert(std::same_as<decltype(task), const Task<int>>);
        CHECK_FALSE(task.done());
        const auto same_task = ensure_future(task);
        static_assert(std::same_as<decltype(same_task), const Task<int>>);
        CHECK(same_task == task);
        const auto future = create_future<int>();
        const auto same_future = ensure_future(future);
        static_assert(std::same_as<decltype(same_future), const Future<int>>);
        CHECK(same_future == future);
        const auto any = ensure_future(AnyTask(task));
        CHECK(any == task);
        const auto of_sleep = ensure_future(sleep(1s, std::string("slept")));
        static_assert(std::same_as<decltype(of_sleep), const Task<std::string>>);
        const int three = co_await task;
        const std::string slept = co_await of_sleep;
        CHECK(three == 3);
        CHECK(slept == "slept");
        CHECK_THROWS_AS((void)ensure_future(Task<int>()), weft::InvalidStateError);
    };
    loop.run_until_complete(body());
}

// A limit for a block, by hand: what timeout() does with cancel, uncancel and the count.
TEST_CASE("rule 92: a construct takes back its own request only, and tells it from others by the count") {
    VirtualLoop loop;
    struct Seen {
        bool timed_out = false;
        bool block_finished = false;
        bool behind_reached = false;
    };
    auto with_limit = [&loop](weft::Duration work, weft::Duration limit, Seen& seen) -> Coro<> {
        const AnyTask self = current_task();
        const auto expire = [&seen, &self] {
            seen.timed_out = true;
            self.cancel();
        };
        const auto timer = weft::scheduler::arm_callback(loop.loop(), loop.now() + limit, expire);
        struct Disarm {
            const weft::TimerHandle& timer;
            ~Disarm() { timer.cancel(); }
        };
        try {
            const Disarm at_the_end{timer};
            co_await sleep(work);
            seen.block_finished = true;
        } catch (const CancelledError&) {
            if (!seen.timed_out || self.uncancel() != 0) throw;
        }
        seen.behind_reached = true;
        co_await sleep(0s);  // not cancelled
    };
    SUBCASE("the limit comes first: the code behind the block goes on") {
        Seen seen;
        loop.run_until_complete(with_limit(10s, 1s, seen));
        CHECK(seen.timed_out);
        CHECK_FALSE(seen.block_finished);
        CHECK(seen.behind_reached);
    }
    SUBCASE("the block ends first") {
        Seen seen;
        loop.run_until_complete(with_limit(1s, 10s, seen));
        CHECK_FALSE(seen.timed_out);
        CHECK(seen.block_finished);
        CHECK(seen.behind_reached);
    }
    SUBCASE("cancelled from outside: it is not its own request") {
        Seen seen;
        const auto task = loop.create(with_limit(10s, 5s, seen));
        loop.turn();
        task.cancel();
        loop.turn();
        CHECK(task.cancelled());
        CHECK_FALSE(seen.timed_out);
        CHECK_FALSE(seen.behind_reached);
    }
    SUBCASE("cancelled from outside in the turn of the limit: one request is left") {
        Seen seen;
        const auto task = loop.create(with_limit(10s, 5s, seen));
        loop.turn();
        while (!seen.timed_out) loop.turn();
        task.cancel();
        loop.turn();
        CHECK(task.cancelled());
        CHECK(task.cancelling() == 1);
        CHECK_FALSE(seen.behind_reached);
    }
}

TEST_CASE("rule 92: timeout and TaskGroup uncancel once, for their own request; the others never do") {
    VirtualLoop loop;
    auto fails = []() -> Coro<> {
        co_await sleep(1s);
        throw std::runtime_error("child");
    };
    auto body = [&]() -> Coro<> {
        const AnyTask self = current_task();
        // An old request, never taken back: the count at each entry is 1.
        self.cancel();
        const std::string old = co_await ended(sleep(0s));
        CHECK(old == "cancelled");
        CHECK(self.cancelling() == 1);

        bool timed_out = false;
        try {
            co_await weft::timeout(1s, sleep(10s));
        } catch (const TimeoutError&) {
            timed_out = true;
        }
        CHECK(timed_out);
        CHECK(self.cancelling() == 1);

        bool failed = false;
        auto group = [&](TaskGroup& tg) -> Coro<> {
            (void)tg.create_task(fails());
            co_await sleep(10s);
        };
        try {
            co_await weft::task_group(group);
        } catch (const weft::ExceptionGroup&) {
            failed = true;
        }
        CHECK(failed);
        CHECK(self.cancelling() == 1);
        const std::string again = co_await ended(sleep(0s));  // rule 191: the old request, delivered again
        CHECK(again == "cancelled");
    };
    loop.run_until_complete(body());

    auto waits = [](int how) -> Coro<std::string> {
        const auto work = create_task(stubborn());
        co_await sleep(0s);
        const std::vector works{work};
        if (how == 0) co_return co_await ended(gather(work));
        if (how == 1) co_return co_await ended(shield(work));
        if (how == 2) co_return co_await ended(weft::wait(works));
        co_return co_await ended(work);
    };
    for (int how = 0; how < 4; ++how) {
        CAPTURE(how);
        const auto task = loop.create(waits(how));
        loop.turn(3);
        task.cancel();
        while (!task.done()) loop.turn();
        CHECK(task.cancelling() == 1);
    }
}

TEST_CASE("rules 175 and 178: a limit of as_completed that is not reached leaves no timer behind") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        std::vector<Coro<int>> works;
        works.push_back(number_after(2, 20ms));
        works.push_back(number_after(1, 10ms));
        std::vector<int> seen;
        for (auto next : weft::as_completed(std::move(works), 1s)) seen.push_back(co_await std::move(next));
        CHECK(seen == std::vector{1, 2});
        CHECK(loop.loop().armed_timers() == 0);
        CHECK(loop.now() == weft::TimePoint{} + 20ms);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 175 and 176: an iteration of as_completed can be left and resumed") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        std::vector<Task<int>> tasks;
        for (int n = 0; n < 6; ++n) tasks.push_back(create_task(number_after(n, n * 1s)));
        auto completed = weft::as_completed(tasks);
        std::vector<int> seen;
        for (auto next : completed) {
            seen.push_back(co_await std::move(next));
            if (seen.size() == 2) break;
        }
        const auto third = co_await completed.next();
        REQUIRE(third.has_value());
        CHECK(*third == tasks[2]);
        CHECK(third->done());
        while (const auto task = co_await completed.next()) seen.push_back(task->result());
        CHECK(seen == std::vector{0, 1, 3, 4, 5});
        const auto none = co_await completed.next();
        CHECK_FALSE(none.has_value());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 57 and 98: SystemExit out of a cancelled body fails the task and leaves the loop") {
    VirtualLoop loop;
    auto exits = []() -> Coro<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            throw SystemExit(4);
        }
    };
    const auto task = loop.create(exits());
    loop.turn();
    CHECK(task.cancel());
    CHECK_FALSE(task.done());
    CHECK_THROWS_AS(loop.turn(), SystemExit);
    CHECK(task.done());
    CHECK_FALSE(task.cancelled());
    CHECK_THROWS_AS(std::rethrow_exception(task.exception()), SystemExit);
}

TEST_CASE("rule 126: cancelling a task that waits with wait() leaves the member alone") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto gate = create_future<int>();
        auto inner = [&]() -> Coro<int> { co_return co_await gate; };
        const auto member = create_task(inner());
        auto outer = [&]() -> Coro<> {
            const std::vector members{member};
            co_await weft::wait(members);
        };
        const auto waiter = create_task(outer());
        co_await sleep(0s);
        waiter.cancel();
        const std::string how = co_await ended(waiter);
        CHECK(how == "cancelled");
        CHECK(member.cancelling() == 0);
        gate.set_result(6);
        const int value = co_await member;
        CHECK(value == 6);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 149 and 155: cancelling a shield of a gather leaves the gather and its children alone") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto one = create_future<int>();
        const auto two = create_future<int>();
        const auto inner = gather(one, two);
        const auto outer = shield(inner);
        CHECK(outer.cancel());
        co_await sleep(0s);
        CHECK(outer.cancelled());
        CHECK_FALSE(one.done());
        CHECK_FALSE(inner.done());
        one.set_result(1);
        two.set_result(2);
        const auto [a, b] = co_await inner;
        CHECK(a == 1);
        CHECK(b == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 135 and 155: a shielded task outlives a limit of zero, and a caller that is cancelled") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto inner = create_task(number_after(5, 10s));
        co_await sleep(0s);
        const std::string at_once = co_await ended(weft::wait_for(shield(inner), 0s));
        CHECK(at_once == "error: timed out");
        CHECK_FALSE(inner.done());
        CHECK(inner.cancelling() == 0);

        auto without_limit = [&]() -> Coro<int> { co_return co_await weft::wait_for(shield(inner), std::nullopt); };
        const auto outer = create_task(without_limit());
        co_await sleep(0s);
        outer.cancel();
        const std::string how = co_await ended(outer);
        CHECK(how == "cancelled");
        CHECK(inner.cancelling() == 0);
        const int value = co_await inner;
        CHECK(value == 5);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 50 and 111: gather and shield are futures of the running loop") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto child = create_future<int>();
        const auto outer = gather(child);
        const auto shielded = shield(child);
        CHECK(&outer.get_loop<weft::scheduler::Loop>() == &loop.loop());
        CHECK(&shielded.get_loop<weft::scheduler::Loop>() == &loop.loop());
        child.set_result(1);
        co_await outer;
        co_await shielded;
        CHECK(&outer.get_loop<weft::scheduler::Loop>() == &loop.loop());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 73 and 212: an eager task that is done already is not cancelled any more") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto task = create_task(number(1), {.eager_start = true});
        CHECK(task.done());
        CHECK_FALSE(task.cancel());
        CHECK_FALSE(task.cancelled());
        CHECK(task.cancelling() == 0);
        co_await sleep(0s);
        CHECK(task.result() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 66 and 213: an eager task that is parked is one of all tasks until it is done") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        const auto gate = create_future();
        auto waits = [&]() -> Coro<> { co_await gate; };
        const auto task = create_task(waits(), {.eager_start = true});
        const auto others = weft::all_tasks();
        CHECK(others.size() == 2);
        CHECK(std::count(others.begin(), others.end(), AnyTask(task)) == 1);
        gate.set_result();
        co_await task;
        CHECK(weft::all_tasks().size() == 1);
    };
    loop.run_until_complete(body());
}

namespace {

// Chains and trees of tasks, eager or queued. Eager ones that never suspend take no turn at all.
class Tasks {
public:
    explicit Tasks(bool eager) : options_{.eager_start = eager} {}

    Coro<int> chain(int depth) {
        if (depth == 0) co_return 0;
        const auto below = start(chain(depth - 1));
        co_return 1 + co_await below;
    }
    Coro<> groups(int width, int depth) {
        if (depth == 0) co_return;
        auto body = [this, width, depth](TaskGroup& group) -> Coro<> {
            for (int i = 0; i < width; ++i) {
                ++started;
                (void)group.create_task(groups(width, depth - 1), options_);
            }
            co_return;
        };
        co_await weft::task_group(body);
    }
    Coro<int> gathers(int width, int depth) {
        if (depth == 0) co_return 1;
        std::vector<Task<int>> tasks;
        for (int i = 0; i < width; ++i) tasks.push_back(start(gathers(width, depth - 1)));
        int leaves = 0;
        for (const int n : co_await gather(std::move(tasks))) leaves += n;
        co_return leaves;
    }

    int started = 0;

private:
    Task<int> start(Coro<int> body) {
        ++started;
        return create_task(std::move(body), options_);
    }

    const weft::TaskOptions options_;
};

}  // namespace

TEST_CASE("eager and queued: a chain of tasks, each awaited by the one before") {
    VirtualLoop loop;
    for (const bool eager : {true, false}) {
        CAPTURE(eager);
        auto body = [&]() -> Coro<> {
            Tasks tasks(eager);
            const int before = loop.turns();
            const int depth = co_await tasks.chain(20);
            CHECK(depth == 20);
            CHECK(tasks.started == 20);
            CHECK(loop.turns() - before == (eager ? 0 : 40));
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("eager and queued: groups in groups start each task once and leave none") {
    VirtualLoop loop;
    for (const bool eager : {true, false}) {
        CAPTURE(eager);
        auto body = [&]() -> Coro<> {
            Tasks tasks(eager);
            co_await tasks.groups(3, 4);
            CHECK(tasks.started == 3 + 9 + 27 + 81);
            CHECK(weft::all_tasks().size() == 1);
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("eager and queued: gathers in gathers start each task once, eager ones without a turn") {
    VirtualLoop loop;
    for (const bool eager : {true, false}) {
        CAPTURE(eager);
        auto body = [&]() -> Coro<> {
            Tasks tasks(eager);
            const int before = loop.turns();
            const int leaves = co_await tasks.gathers(3, 4);
            CHECK(leaves == 81);
            CHECK(tasks.started == 3 + 9 + 27 + 81);
            CHECK((loop.turns() == before) == eager);
        };
        loop.run_until_complete(body());
    }
}
