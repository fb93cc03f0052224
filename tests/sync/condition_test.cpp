#include "sync/condition.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sync/barrier.hpp"
#include "sync/exception_handler.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Condition;
using weft::Coro;
using weft::create_task;
using weft::Lock;
using weft::LockGuard;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

namespace {

using Log = std::vector<std::string>;

Coro<> waits(Condition& condition, Log& log, std::string name) {
    const LockGuard held = co_await condition.scoped();
    const std::string how = co_await ended(condition.wait());
    CHECK(condition.locked());
    log.push_back(name + " " + how);
}

}  // namespace

TEST_CASE("rule 227: wait and notify need the lock") {
    VirtualLoop loop;
    Condition condition("jobs");
    auto body = [&]() -> Coro<> {
        CHECK(co_await ended(condition.wait()) == "error: cannot wait on un-acquired lock: condition 'jobs'");
        CHECK(thrown_by([&] { condition.notify(); }) == "error: cannot notify on un-acquired lock: condition 'jobs'");
        CHECK(thrown_by([&] { condition.notify_all(); }) != "nothing");
        co_await condition.acquire();
        CHECK(condition.locked());
        condition.notify_all();
        // Held by anybody.
        auto other = [&]() -> Coro<> {
            condition.notify();
            condition.release();
            co_return;
        };
        co_await create_task(other());
        CHECK_FALSE(condition.locked());
        CHECK(condition.try_acquire());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 227: a lock may be given") {
    VirtualLoop loop;
    Lock lock;
    Condition filled(lock);
    Condition emptied(lock);
    auto body = [&]() -> Coro<> {
        co_await filled.acquire();
        CHECK(lock.locked());
        CHECK(emptied.locked());
        emptied.release();
        CHECK_FALSE(lock.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 228: wait releases, parks, and holds the lock again when it returns or throws") {
    VirtualLoop loop;
    Condition condition;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(waits(condition, log, "a"));
        const auto b = create_task(waits(condition, log, "b"));
        co_await sleep(0s);
        CHECK_FALSE(condition.locked());
        {
            const LockGuard held = co_await condition.scoped();
            condition.notify();
            co_await sleep(0s);
            co_await sleep(0s);
            CHECK(log.empty());  // rule 229
            b.cancel("no more");
            co_await sleep(0s);
        }
        co_await a;
        co_await b;
        CHECK(log == Log{"a value", "b cancelled: no more"});
        CHECK_FALSE(condition.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 228: cancels that arrive while it acquires the lock again are kept until it has it; the last counts") {
    VirtualLoop loop;
    Condition condition;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(waits(condition, log, "a"));
        co_await sleep(0s);
        {
            const LockGuard held = co_await condition.scoped();
            a.cancel("first");
            co_await sleep(0s);
            a.cancel("second");
            co_await sleep(0s);
            a.cancel("third");
            co_await sleep(0s);
            CHECK(log.empty());
        }
        co_await a;
        CHECK(log == Log{"a cancelled: third"});
        CHECK(condition.try_acquire());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 229: notify(n) wakes the n that have waited longest") {
    VirtualLoop loop;
    Condition condition;
    Log log;
    auto body = [&]() -> Coro<> {
        std::vector<Task<>> tasks;
        for (const char* name : {"a", "b", "c", "d", "e"}) tasks.push_back(create_task(waits(condition, log, name)));
        co_await sleep(0s);
        {
            const LockGuard held = co_await condition.scoped();
            condition.notify(2);
            condition.notify(1);  // not those again
            condition.notify(0);
        }
        co_await sleep(1s);
        CHECK(log == Log{"a value", "b value", "c value"});
        {
            const LockGuard held = co_await condition.scoped();
            condition.notify_all();
        }
        co_await sleep(1s);
        CHECK(log == Log{"a value", "b value", "c value", "d value", "e value"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 230: a notified waiter that raises passes the notification on") {
    VirtualLoop loop;
    Condition condition;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(waits(condition, log, "a"));
        const auto b = create_task(waits(condition, log, "b"));
        co_await sleep(0s);
        {
            const LockGuard held = co_await condition.scoped();
            condition.notify();
            a.cancel("too late");
        }
        co_await b;
        CHECK(log == Log{"a cancelled: too late", "b value"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 231: wait_for looks first, again after each wake-up, and returns the predicate's value") {
    VirtualLoop loop;
    Condition condition;
    auto body = [&]() -> Coro<> {
        int calls = 0;
        std::unique_ptr<int> ready;
        const int* seen = nullptr;
        auto consumer = [&]() -> Coro<> {
            const LockGuard held = co_await condition.scoped();
            auto predicate = [&] {
                ++calls;
                return ready.get();
            };
            seen = co_await condition.wait_for(predicate);
        };
        const auto task = create_task(consumer());
        co_await sleep(1s);
        CHECK(calls == 1);
        {
            const LockGuard held = co_await condition.scoped();
            condition.notify_all();
        }
        co_await sleep(1s);
        CHECK(calls == 2);
        CHECK_FALSE(task.done());
        {
            const LockGuard held = co_await condition.scoped();
            ready = std::make_unique<int>(7);
            condition.notify_all();
        }
        co_await task;
        CHECK(calls == 3);
        CHECK(seen == ready.get());

        const LockGuard held = co_await condition.scoped();
        auto at_once = [] { return std::string("text").size(); };
        const int turn = loop.turns();
        const std::size_t value = co_await condition.wait_for(at_once);
        CHECK(value == 4);
        CHECK(loop.turns() == turn);
        auto throws = []() -> bool { throw std::runtime_error("predicate"); };
        CHECK(co_await ended(condition.wait_for(throws)) == "error: predicate");
        CHECK(condition.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 228: a timeout of a condition comes with the lock held") {
    VirtualLoop loop;
    Condition condition;
    auto body = [&]() -> Coro<> {
        const LockGuard held = co_await condition.scoped();
        CHECK(co_await ended(weft::wait_for(condition.wait(), 1s)) == "error: timed out");
        CHECK(condition.locked());
    };
    loop.run_until_complete(body());
    CHECK_FALSE(condition.locked());
}

TEST_CASE("a loop that closes on a task within wait() leaves the lock to who holds it") {
    const Reports reports;
    Condition condition;
    VirtualLoop stays;
    VirtualLoop closes;
    Log log;
    const auto waiter = closes.create(waits(condition, log, "waits"));
    closes.turn();
    bool inside = false;
    bool both = false;
    auto holds = [&]() -> Coro<> {
        const LockGuard held = co_await condition.scoped();
        both = both || inside;
        inside = true;
        co_await sleep(1s);
        inside = false;
    };
    const auto first = stays.create(holds());
    stays.turn();
    closes.close();
    CHECK(condition.locked());
    const auto second = stays.create(holds());
    while (!second.done()) stays.turn();
    CHECK_FALSE(both);
    CHECK_FALSE(condition.locked());
    CHECK(reports.count("released by hand") == 0);
}

TEST_CASE("a condition or a barrier that ends before its waiters leaves them to be cancelled") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto condition = std::make_unique<Condition>();
        auto barrier = std::make_unique<weft::Barrier>(3);
        auto guarded = [](Condition& c) -> Coro<> {
            const LockGuard held = co_await c.scoped();
            (void)co_await c.wait();
        };
        auto by_hand = [](Condition& c) -> Coro<> {
            co_await c.acquire();
            (void)co_await c.wait();
        };
        const auto a = create_task(guarded(*condition));
        const auto b = create_task(by_hand(*condition));
        const auto c = create_task(barrier->wait());
        const auto d = create_task(barrier->wait());
        co_await sleep(0s);
        condition.reset();
        barrier.reset();
        for (const weft::AnyTask& task : std::vector<weft::AnyTask>{a, b, c, d}) {
            task.cancel("cut off");
            CHECK(co_await ended(task) == "cancelled: cut off");
        }
    };
    loop.run_until_complete(body());
}

TEST_CASE("debug mode: an exception handler that runs because a lock is released may use the condition") {
    VirtualLoop loop;
    loop.loop().set_debug(true);
    Condition condition;
    int handled = 0;
    weft::sync::set_exception_handler(loop.loop(), [&](weft::scheduler::Loop&, const weft::ExceptionContext& context) {
        if (!context.exception) return;
        condition.notify_all();
        ++handled;
    });
    auto fails = [&]() -> Coro<> {
        co_await condition.acquire();
        throw std::runtime_error("planned");
    };
    auto body = [&]() -> Coro<> {
        {
            const auto task = create_task(fails());
            co_await sleep(0s);
        }
        const auto waiter = create_task(condition.wait());
        co_await sleep(0s);
        co_await condition.acquire();
        condition.notify();
        condition.release();
        co_await waiter;
    };
    loop.run_until_complete(body());
    CHECK(handled == 1);
}
