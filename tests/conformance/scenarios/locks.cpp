// Locks: in order of arrival, and never lost.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

// Takes the lock, keeps it for some turns and releases it.
Coro<> takes(Trace& log, Lock& lock, std::string name, int turns = 0) {
    const std::string how = co_await outcome(lock.acquire());
    log(name, how, lock.locked());
    if (how != "True") co_return;
    co_await pause(turns);
    lock.release();
}

std::vector<Task<>> takers(Trace& log, Lock& lock, const std::vector<std::string>& names, int turns = 0) {
    std::vector<Task<>> tasks;
    for (const std::string& name : names) tasks.push_back(create_task(takes(log, lock, name, turns)));
    return tasks;
}

}  // namespace

SCENARIO(in_order_of_arrival, 223) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b", "c"}, 2);
    co_await pause(1);
    lock.release();
    log("released", lock.locked());
    co_await wait(tasks);
    log(lock.locked());
}

SCENARIO(a_newcomer_cannot_pass_the_one_that_was_woken, 223) {
    Lock lock;
    co_await lock.acquire();
    const auto first = create_task(takes(log, lock, "first"));
    co_await pause(1);
    lock.release();
    log("free", lock.locked());
    co_await takes(log, lock, "newcomer");
    co_await first;
}

SCENARIO(it_is_free_if_all_in_line_are_cancelled, 223) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b"});
    co_await pause(1);
    for (const auto& task : tasks) task.cancel();
    lock.release();
    const Turns turns;
    co_await lock.acquire();
    log("taken after turns:", turns.count);
    turns.stop();
    co_await wait(tasks);
    lock.release();
    log(lock.locked());
}

SCENARIO(it_is_not_free_if_one_in_line_is_not_cancelled, 223) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b", "c"});
    co_await pause(1);
    tasks[0].cancel();
    tasks[2].cancel();
    lock.release();
    co_await takes(log, lock, "newcomer");
    co_await wait(tasks);
}

SCENARIO(a_release_of_a_free_lock_is_refused, 224) {
    Lock lock;
    const auto release = [&] { lock.release(); };
    log(refused(release));
    co_await lock.acquire();
    lock.release();
    log(refused(release), lock.locked());
}

SCENARIO(anybody_may_release, 224) {
    Lock lock;
    co_await lock.acquire();
    log.loop().call_soon([&] { lock.release(); });
    const auto got = co_await outcome(lock.acquire());
    log(got);
    log(lock.locked());
}

SCENARIO(a_release_skips_nobody_but_the_cancelled, 224) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b", "c"});
    co_await pause(1);
    tasks[0].cancel("gone");
    co_await pause(1);
    lock.release();
    co_await wait(tasks);
}

SCENARIO(a_release_leaves_it_to_the_cancelled_one_in_front, 224, 225) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b"});
    co_await pause(1);
    tasks[0].cancel();
    lock.release();
    log.loop().call_soon([&] {
        log("b is woken by a");
        log.loop().call_soon([&] { log("b has it"); });
    });
    co_await wait(tasks);
}

SCENARIO(a_scope_releases_what_it_took, 223, 224) {
    Lock lock;
    auto fails = [&]() -> Coro<> {
        const auto held = co_await lock.scoped();
        log("inside", lock.locked());
        throw ValueError("inside");
    };
    const auto got = co_await outcome(fails());
    log(got, lock.locked());
    std::optional<Task<>> waiter;
    {
        const auto held = co_await lock.scoped();
        waiter = create_task(takes(log, lock, "waiter"));
        co_await pause(2);
        log("still inside");
    }
    co_await *waiter;
}

SCENARIO(a_cancelled_waiter_leaves, 225) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b", "c"});
    co_await pause(1);
    tasks[1].cancel("b leaves");
    co_await pause(2);
    lock.release();
    co_await wait(tasks);
    log(lock.locked());
}

SCENARIO(cancelled_after_it_was_woken, 225) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b"});
    co_await pause(1);
    lock.release();
    log(tasks[0].cancel("late"));
    co_await wait(tasks);
    log(lock.locked());
}

SCENARIO(all_are_cancelled_after_one_was_woken, 225) {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = takers(log, lock, {"a", "b"});
    co_await pause(1);
    lock.release();
    for (const auto& task : tasks) task.cancel();
    co_await wait(tasks);
    const bool locked = lock.locked();
    const auto got = co_await outcome(lock.acquire());
    log(locked, got);
}

SCENARIO(a_timeout_leaves_the_line, 223, 225) {
    Lock lock;
    co_await lock.acquire();
    const auto late = co_await outcome(wait_for(lock.acquire(), 1s));
    log(late);
    log.at(lock.locked());
    lock.release();
    const auto got = co_await outcome(wait_for(lock.acquire(), 1s));
    log(got);
    log.at(lock.locked());
}
