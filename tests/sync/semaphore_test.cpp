#include "sync/semaphore.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::BoundedSemaphore;
using weft::Coro;
using weft::create_task;
using weft::Semaphore;
using weft::SemaphorePermit;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

namespace {

using Log = std::vector<std::string>;

Coro<> take(Semaphore& semaphore, Log& log, std::string name) {
    try {
        co_await semaphore.acquire();
        log.push_back(name);
    } catch (const weft::CancelledError& error) {
        log.push_back(name + " " + weft::test::in_words(error));
        throw;
    }
}

// How many can be had at once; they are given back.
int free_permits(Semaphore& semaphore) {
    int count = 0;
    while (semaphore.try_acquire()) ++count;
    for (int i = 0; i < count; ++i) semaphore.release();
    return count;
}

}  // namespace

TEST_CASE("rule 232: permits are taken without suspending while there are any") {
    VirtualLoop loop;
    Semaphore semaphore(2);
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        CHECK_FALSE(semaphore.locked());
        const bool taken = co_await semaphore.acquire();
        CHECK(taken);
        CHECK_FALSE(semaphore.locked());
        CHECK(semaphore.try_acquire());
        CHECK(semaphore.locked());
        CHECK_FALSE(semaphore.try_acquire());
        semaphore.release();
        CHECK_FALSE(semaphore.locked());
        semaphore.release();
        CHECK(loop.turns() == turn);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 232: a released permit goes to the first waiter directly, and a newcomer queues") {
    VirtualLoop loop;
    Semaphore semaphore(1);
    Log log;
    auto body = [&]() -> Coro<> {
        co_await semaphore.acquire();
        const auto a = create_task(take(semaphore, log, "a"));
        const auto b = create_task(take(semaphore, log, "b"));
        co_await sleep(0s);
        semaphore.release();
        CHECK(semaphore.locked());
        CHECK_FALSE(semaphore.try_acquire());
        const auto c = create_task(take(semaphore, log, "c"));
        co_await a;
        semaphore.release();
        co_await b;
        semaphore.release();
        co_await c;
        CHECK(log == Log{"a", "b", "c"});
        CHECK(semaphore.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 232: locked while somebody has not resumed with his permit, though the value is positive") {
    VirtualLoop loop;
    Semaphore semaphore(0);
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(take(semaphore, log, "a"));
        co_await sleep(0s);
        const auto b = create_task(take(semaphore, log, "b"));  // begins before a resumes
        semaphore.release();
        semaphore.release();
        CHECK(semaphore.locked());
        co_await sleep(0s);
        CHECK(log == Log{"a"});
        co_await sleep(0s);
        CHECK(log == Log{"a", "b"});
        CHECK(semaphore.locked());
        semaphore.release();
        CHECK_FALSE(semaphore.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 233: a granted waiter that is cancelled gives the permit to the next one") {
    VirtualLoop loop;
    Semaphore semaphore(0);
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(take(semaphore, log, "a"));
        const auto b = create_task(take(semaphore, log, "b"));
        co_await sleep(0s);
        semaphore.release();
        a.cancel("too late");
        co_await b;
        CHECK(log == Log{"a cancelled: too late", "b"});
        CHECK(free_permits(semaphore) == 0);
        semaphore.release();
        CHECK(free_permits(semaphore) == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 233: several releases wake several, and skip the cancelled") {
    VirtualLoop loop;
    Semaphore semaphore(0);
    Log log;
    auto body = [&]() -> Coro<> {
        std::vector<Task<>> tasks;
        for (const char* name : {"a", "b", "c", "d"}) tasks.push_back(create_task(take(semaphore, log, name)));
        co_await sleep(0s);
        tasks[1].cancel();
        semaphore.release();
        semaphore.release();
        co_await sleep(0s);
        CHECK(log == Log{"b cancelled", "a", "c"});
        CHECK_FALSE(tasks[3].done());
        semaphore.release();
        co_await tasks[3];
        CHECK(free_permits(semaphore) == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 233: the permit of the last waiter, cancelled after the grant, is free") {
    VirtualLoop loop;
    Semaphore semaphore(0);
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(take(semaphore, log, "a"));
        co_await sleep(0s);
        semaphore.release();
        a.cancel();
        co_await sleep(0s);
        CHECK(free_permits(semaphore) == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 232, 233: one release wakes one, although more permits are free; the rest is for those on their way") {
    VirtualLoop loop;
    Semaphore semaphore(0);
    std::vector<std::string> seen;
    auto takes = [&](const char* name) -> Coro<> {
        co_await semaphore.acquire();
        seen.emplace_back(name);
    };
    auto body = [&]() -> Coro<> {
        const Task<> a = create_task(takes("a"));
        co_await sleep(0s);
        const Task<> b = create_task(takes("b"));
        const Task<> c = create_task(takes("c"));
        loop.call_soon([&] {
            semaphore.release();  // with a on its way and two permits free
            loop.call_soon([&] { seen.emplace_back("-"); });
        });
        for (int i = 0; i < 3; ++i) semaphore.release();
        co_await a;
        co_await b;
        co_await c;
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<std::string>{"a", "b", "-", "c"});
    CHECK_FALSE(semaphore.locked());
}

TEST_CASE("rule 234: a negative number of permits, and too many releases of a bounded one") {
    CHECK(thrown_by([] { const Semaphore semaphore(-1); }) == "error: Semaphore initial value must be >= 0, not -1");
    CHECK(thrown_by([] { const BoundedSemaphore semaphore(-7); }) ==
          "error: Semaphore initial value must be >= 0, not -7");
    Semaphore unbounded(1);
    unbounded.release();
    CHECK(free_permits(unbounded) == 2);
    BoundedSemaphore bounded(1, "uploads");
    CHECK(thrown_by([&] { bounded.release(); }) ==
          "error: BoundedSemaphore released too many times: semaphore 'uploads'");
    CHECK(bounded.try_acquire());
    bounded.release();
    CHECK(thrown_by([&] { bounded.release(); }) != "nothing");
    CHECK(free_permits(bounded) == 1);
}

TEST_CASE("rule 234: the bound holds while tasks are in line, too") {
    VirtualLoop loop;
    BoundedSemaphore semaphore(1);
    Log log;
    auto body = [&]() -> Coro<> {
        co_await semaphore.acquire();
        const auto a = create_task(take(semaphore, log, "a"));
        co_await sleep(0s);
        semaphore.release();
        a.cancel();
        co_await sleep(0s);
        CHECK(thrown_by([&] { semaphore.release(); }) != "nothing");
        CHECK(free_permits(semaphore) == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("a permit is held for a scope") {
    VirtualLoop loop;
    Semaphore semaphore(1);
    auto body = [&]() -> Coro<> {
        {
            const SemaphorePermit permit = co_await semaphore.scoped();
            CHECK(semaphore.locked());
            CHECK(co_await ended(weft::wait_for(semaphore.acquire(), 1s)) == "error: timed out");
        }
        CHECK(free_permits(semaphore) == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("a loop that closes passes on the permits that its tasks were granted") {
    VirtualLoop stays;
    Semaphore semaphore(0);
    Log log;
    const auto other = [&] {
        const Reports reports;
        VirtualLoop closes;
        const auto granted = closes.create(take(semaphore, log, "granted"));
        const auto in_line = closes.create(take(semaphore, log, "in line"));
        closes.turn();
        auto waits = stays.create(take(semaphore, log, "other"));
        stays.turn();
        semaphore.release();
        closes.close();
        return waits;
    }();
    stays.turn();
    CHECK(log == Log{"other"});
    CHECK(free_permits(semaphore) == 0);
}
