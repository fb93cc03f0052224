#include "sync/lock.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/event.hpp"
#include "sync/semaphore.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
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

// Takes the lock and keeps it.
Coro<> take(Lock& lock, Log& log, std::string name) {
    try {
        co_await lock.acquire();
        log.push_back(name);
    } catch (const weft::CancelledError& error) {
        log.push_back(name + " " + weft::test::in_words(error));
        throw;
    }
}

}  // namespace

TEST_CASE("rule 223: a free lock is taken without suspending") {
    VirtualLoop loop;
    Lock lock;
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        CHECK_FALSE(lock.locked());
        const bool taken = co_await lock.acquire();
        CHECK(taken);
        CHECK(lock.locked());
        CHECK_FALSE(lock.try_acquire());
        lock.release();
        CHECK(lock.try_acquire());
        lock.release();
        CHECK(loop.turns() == turn);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 223: waiters get the lock in order, and a newcomer cannot take it from the one that is woken") {
    VirtualLoop loop;
    Lock lock;
    Log log;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        const auto b = create_task(take(lock, log, "b"));
        co_await sleep(0s);
        lock.release();
        CHECK_FALSE(lock.locked());
        CHECK_FALSE(lock.try_acquire());
        const auto c = create_task(take(lock, log, "c"));
        co_await a;
        CHECK(lock.locked());
        lock.release();
        co_await b;
        lock.release();
        co_await c;
        lock.release();
        CHECK(log == Log{"a", "b", "c"});
        CHECK_FALSE(lock.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 223: a free lock whose waiters are all cancelled is taken at once") {
    VirtualLoop loop;
    Lock lock;
    Log log;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        co_await sleep(0s);
        a.cancel();
        lock.release();
        const int turn = loop.turns();
        co_await lock.acquire();
        CHECK(loop.turns() == turn);
        co_await sleep(0s);
        CHECK(log == Log{"a cancelled"});
        CHECK(lock.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 224: the release of a free lock throws, whoever calls it") {
    VirtualLoop loop;
    Lock lock("cache");
    CHECK(thrown_by([&] { lock.release(); }) == "error: Lock is not acquired: release() of lock 'cache'");
    auto body = [&]() -> Coro<> {
        Log log;
        co_await create_task(take(lock, log, "another task"));
        lock.release();
        CHECK(thrown_by([&] { lock.release(); }) != "nothing");
        // On its way to a waiter it is free, too.
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        co_await sleep(0s);
        lock.release();
        CHECK(thrown_by([&] { lock.release(); }) != "nothing");
        co_await a;
        lock.release();
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 224: a release that finds a cancelled task in front leaves the waking to it") {
    VirtualLoop loop;
    Lock lock;
    Log log;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        const auto b = create_task(take(lock, log, "b"));
        co_await sleep(0s);
        a.cancel();
        lock.release();
        co_await sleep(0s);  // a leaves, and wakes b
        CHECK(log == Log{"a cancelled"});
        co_await sleep(0s);
        CHECK(log == Log{"a cancelled", "b"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 225: a waiter that is cancelled in line leaves it") {
    VirtualLoop loop;
    Lock lock;
    Log log;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        const auto b = create_task(take(lock, log, "b"));
        co_await sleep(0s);
        a.cancel("enough");
        co_await sleep(0s);
        CHECK(a.cancelled());
        lock.release();
        co_await b;
        CHECK(log == Log{"a cancelled: enough", "b"});
        CHECK(lock.locked());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 225: a waiter that is cancelled after it was woken wakes the next one") {
    VirtualLoop loop;
    Lock lock;
    Log log;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        const auto b = create_task(take(lock, log, "b"));
        co_await sleep(0s);
        lock.release();
        a.cancel("too late");
        co_await b;
        CHECK(log == Log{"a cancelled: too late", "b"});
        lock.release();
        CHECK_FALSE(lock.locked());
        CHECK(lock.try_acquire());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 225: the last waiter, cancelled after it was woken, leaves the lock free") {
    VirtualLoop loop;
    Lock lock;
    Log log;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        co_await sleep(0s);
        lock.release();
        a.cancel();
        co_await sleep(0s);
        CHECK(lock.try_acquire());
        lock.release();
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 90: a cancellation that was withdrawn reaches a waiter that has left the line all the same") {
    VirtualLoop loop;
    Lock lock;
    Log log;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        const auto a = create_task(take(lock, log, "a"));
        const auto b = create_task(take(lock, log, "b"));
        co_await sleep(0s);
        a.cancel("in line");
        a.uncancel();
        lock.release();
        b.cancel("not woken yet");
        CHECK(co_await ended(a) == "cancelled: in line");
        CHECK(co_await ended(b) == "cancelled: not woken yet");
        CHECK(lock.try_acquire());
    };
    loop.run_until_complete(body());
}

TEST_CASE("a timeout of a wait for a lock leaves no trace") {
    VirtualLoop loop;
    Lock lock;
    auto body = [&]() -> Coro<> {
        co_await lock.acquire();
        CHECK(co_await ended(weft::wait_for(lock.acquire(), 1s)) == "error: timed out");
        lock.release();
        CHECK(lock.try_acquire());
        lock.release();
    };
    loop.run_until_complete(body());
}

TEST_CASE("a guard holds the lock for its scope, can be moved and be released early") {
    VirtualLoop loop;
    Lock lock;
    auto body = [&]() -> Coro<> {
        {
            LockGuard held = co_await lock.scoped();
            CHECK(held);
            CHECK(lock.locked());
            const LockGuard moved = std::move(held);
            CHECK_FALSE(held);  // NOLINT(bugprone-use-after-move): what it promises
            CHECK(lock.locked());
        }
        CHECK_FALSE(lock.locked());
        LockGuard held = co_await lock.scoped();
        held.release();
        held.release();
        CHECK_FALSE(lock.locked());
        held = co_await lock.scoped();
        CHECK(lock.locked());
    };
    loop.run_until_complete(body());
    CHECK_FALSE(lock.locked());
}

TEST_CASE("a guard whose lock was released by hand says so") {
    const Reports reports;
    VirtualLoop loop;
    Lock lock("cache");
    auto body = [&]() -> Coro<> {
        const LockGuard held = co_await lock.scoped();
        lock.release();
    };
    loop.run_until_complete(body());
    CHECK(reports.count("a guard ends, but its lock 'cache' is free: it was released by hand") == 1);
}

TEST_CASE("rule 238: plain threads and tasks of any loop use one lock") {
    VirtualLoop first;
    VirtualLoop second;
    Lock lock;
    CHECK(lock.try_acquire());
    Log log;
    const auto a = first.create(take(lock, log, "a"));
    const auto b = second.create(take(lock, log, "b"));
    first.turn();
    second.turn();
    lock.release();
    first.turn();
    CHECK(log == Log{"a"});
    lock.release();
    second.turn();
    CHECK(log == Log{"a", "b"});
    CHECK(b.done());
}

TEST_CASE("a loop that closes takes its waiters out of line, and passes on what they were granted") {
    VirtualLoop stays;
    Lock lock;
    Log log;
    CHECK(lock.try_acquire());
    {
        const Reports reports;  // a loop that closes on tasks says so
        VirtualLoop closes;
        const auto granted = closes.create(take(lock, log, "granted"));
        const auto in_line = closes.create(take(lock, log, "in line"));
        closes.turn();
        const auto other = stays.create(take(lock, log, "other"));
        stays.turn();
        lock.release();
        closes.close();
    }
    stays.turn();
    CHECK(log == Log{"other"});
    lock.release();
    CHECK(lock.try_acquire());
}

TEST_CASE("a lock that ends before its waiters leaves them to be cancelled, and debug mode says so") {
    const Reports reports;
    VirtualLoop loop;
    loop.loop().set_debug(true);
    Log log;
    auto lock = std::make_unique<Lock>("cache");
    auto body = [&]() -> Coro<> {
        co_await lock->acquire();
        const auto a = create_task(take(*lock, log, "a"), {.name = "waits"});
        co_await sleep(0s);
        lock.reset();
        CHECK(reports.count("lock 'cache' is destroyed while tasks wait for it") == 1);
        CHECK(reports.count("waits") == 1);
        a.cancel("cut off");
        CHECK(co_await ended(a) == "cancelled: cut off");
    };
    loop.run_until_complete(body());
}

TEST_CASE("debug mode tells of a lock or a semaphore that ends before the one that it was given to has resumed") {
    const Reports reports;
    VirtualLoop loop;
    loop.loop().set_debug(true);
    auto body = [&]() -> Coro<> {
        // Others take their places at once: the waiters find something to take and to release.
        std::optional<Lock> lock(std::in_place, "cache");
        std::optional<weft::Semaphore> semaphore(std::in_place, 0, "uploads");
        co_await lock->acquire();
        auto locks = [&]() -> Coro<> { co_await lock->acquire(); };
        auto acquires = [&]() -> Coro<> { co_await semaphore->acquire(); };
        const auto a = create_task(locks());
        const auto b = create_task(acquires());
        co_await sleep(0s);
        lock->release();
        semaphore->release();
        lock.emplace("another");
        semaphore.emplace(0, "another");
        CHECK(reports.count("lock 'cache' is destroyed before a task that it was given to has resumed") == 1);
        CHECK(reports.count("semaphore 'uploads' is destroyed before a task that it was given to has resumed") == 1);
        co_await a;
        co_await b;
        lock->release();
    };
    loop.run_until_complete(body());
}

TEST_CASE("debug mode tells of a task that ends with a lock, and of who then waits for it") {
    const Reports reports;
    VirtualLoop loop;
    loop.loop().set_debug(true);
    Lock lock("cache");
    Log log;
    auto takes = [&]() -> Coro<> {
        co_await lock.acquire();
        co_await sleep(0s);
    };
    auto body = [&]() -> Coro<> {
        const auto forgets = create_task(takes(), {.name = "forgets"});
        const auto waits = create_task(take(lock, log, "waits"), {.name = "waits"});
        co_await forgets;
        CHECK(reports.count("task 'forgets' has ended and still holds lock 'cache', for which 1 wait") == 1);
        const auto late = create_task(take(lock, log, "late"), {.name = "late"});
        co_await sleep(0s);
        CHECK(reports.count("task 'late' waits for lock 'cache', but its holder, task 'forgets', has ended") == 1);
        lock.release();
        co_await waits;
        lock.release();
        co_await late;
        lock.release();
        CHECK(reports.count("still holds") == 3);
    };
    loop.run_until_complete(body());
}

TEST_CASE("debug mode tells of a guard that ends in another task than it began in") {
    const Reports reports;
    VirtualLoop loop;
    loop.loop().set_debug(true);
    Lock lock("cache");
    auto ends_it = [](LockGuard held) -> Coro<> {
        held.release();
        co_return;
    };
    auto drops_it = [](LockGuard held) -> Coro<> {
        const LockGuard here = std::move(held);
        co_return;
    };
    auto body = [&]() -> Coro<> {
        {
            const LockGuard held = co_await lock.scoped();
            co_await sleep(0s);
        }
        LockGuard given = co_await lock.scoped();
        co_await create_task(ends_it(std::move(given)));
        CHECK(reports.all().empty());  // released on purpose
        LockGuard dropped = co_await lock.scoped();
        co_await create_task(drops_it(std::move(dropped)), {.name = "other"});
        CHECK(reports.count("a guard of lock 'cache'") == 1);
        CHECK(reports.count("ends in task 'other'") == 1);
        CHECK_FALSE(lock.locked());
    };
    loop.run_until_complete(body());
    CHECK(reports.all().size() == 1);
}

TEST_CASE("debug mode: a loop closes on a task that holds a lock") {
    const Reports reports;
    Lock lock("cache");
    weft::Event never;
    VirtualLoop loop;
    loop.loop().set_debug(true);
    auto body = [&]() -> Coro<> {
        const LockGuard held = co_await lock.scoped();
        co_await never.wait();
    };
    const auto task = loop.create(body());
    loop.turn();
    loop.close();
    CHECK_FALSE(lock.locked());
    CHECK(reports.count("still holds") == 0);
}

TEST_CASE("debug mode: a lock that another thread releases as soon as it is taken") {
    const weft::test::Group group(1);
    std::atomic<bool> stop{false};
    auto lock = std::make_unique<Lock>();
    std::thread releaser([&] {
        while (!stop.load()) {
            if (!lock->locked()) continue;
            try {
                lock->release();
            } catch (const std::runtime_error&) {
                continue;  // the guard was faster
            }
        }
    });
    auto body = [&]() -> Coro<> {
        for (int i = 0; i < 20'000; ++i) co_await lock->acquire();
        stop = true;
        releaser.join();
        lock.reset();
    };
    group.run(body());
}
