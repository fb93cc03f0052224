// Conditions: waits for a change of what a lock protects.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<> waits(Trace& log, Condition& condition, std::string name) {
    const auto held = co_await condition.scoped();
    log(name, "waits");
    const std::string how = co_await outcome(condition.wait());
    log(name, how, condition.locked());
}

std::vector<Task<>> waiters(Trace& log, Condition& condition, const std::vector<std::string>& names) {
    std::vector<Task<>> tasks;
    for (const std::string& name : names) tasks.push_back(create_task(waits(log, condition, name)));
    return tasks;
}

// Only the kind of an error: the texts differ.
template <class A>
Coro<std::string> how_it_ends(A awaitable) {
    try {
        (void)co_await std::move(awaitable);
    } catch (...) {
        co_return kind(std::current_exception());
    }
    co_return "None";
}

bool never() { return false; }

}  // namespace

SCENARIO(without_the_lock, 227) {
    Condition condition;
    const auto wait = co_await how_it_ends(condition.wait());
    log(wait);
    const auto wait_for = co_await how_it_ends(condition.wait_for(&never));
    log(wait_for);
    const auto seven = [] { return 7; };
    const int value = co_await condition.wait_for(seven);
    log(value);
    log(refused([&] { condition.notify(); }), refused([&] { condition.notify_all(); }),
        refused([&] { condition.release(); }));
    log(condition.locked());
}

SCENARIO(anybody_may_hold_it, 227) {
    Condition condition;
    const auto waiter = create_task(waits(log, condition, "waiter"));
    co_await pause(1);
    co_await condition.acquire();
    const auto other = [&]() -> Coro<> {
        condition.notify();
        condition.release();
        co_return;
    };
    co_await create_task(other());
    co_await waiter;
}

SCENARIO(with_a_lock_that_is_given, 227) {
    Lock lock;
    Condition first(lock);
    Condition second(lock);
    const bool acquired = co_await first.acquire();
    log(acquired, lock.locked(), second.locked());
    second.notify();
    second.release();
    log(first.locked());
    const std::vector<Task<>> waiters{create_task(waits(log, first, "first")),
                                      create_task(waits(log, second, "second"))};
    co_await pause(2);
    {
        const auto held = co_await lock.scoped();
        second.notify_all();
    }
    co_await pause(3);
    log(waiters[0].done(), waiters[1].done());
    {
        const auto held = co_await second.scoped();
        first.notify();
    }
    co_await wait(waiters);
}

SCENARIO(it_returns_with_the_lock_held, 228) {
    Condition condition;
    const auto waiter = create_task(waits(log, condition, "waiter"));
    co_await pause(1);
    log("released by the wait", condition.locked());
    {
        const auto held = co_await condition.scoped();
        condition.notify();
        co_await pause(3);
        log("notified, but not on its way", waiter.done());
    }
    co_await waiter;
}

SCENARIO(it_raises_with_the_lock_held, 228) {
    Condition condition;
    const auto waiter = create_task(waits(log, condition, "waiter"));
    co_await pause(1);
    co_await condition.acquire();
    waiter.cancel("first");
    co_await pause(3);
    log(waiter.done());
    waiter.cancel("second");
    co_await pause(3);
    waiter.cancel("third");
    co_await pause(3);
    log(waiter.done(), waiter.cancelling());
    condition.release();
    co_await waiter;
    log(condition.locked());
}

SCENARIO(cancelled_while_it_takes_the_lock_again, 228) {
    Condition condition;
    const auto waiter = create_task(waits(log, condition, "waiter"));
    co_await pause(1);
    co_await condition.acquire();
    condition.notify();
    co_await pause(2);
    waiter.cancel("late");
    co_await pause(3);
    log(waiter.done());
    condition.release();
    co_await waiter;
}

SCENARIO(notify_wakes_the_oldest, 229) {
    Condition condition;
    const auto tasks = waiters(log, condition, {"a", "b", "c", "d", "e"});
    co_await pause(1);
    {
        const auto held = co_await condition.scoped();
        condition.notify(2);
        log("two notified");
    }
    co_await pause(9);
    {
        const auto held = co_await condition.scoped();
        condition.notify(0);
        condition.notify();
        condition.notify();
        log("two more");
    }
    co_await pause(9);
    {
        const auto held = co_await condition.scoped();
        condition.notify_all();
        condition.notify_all();
    }
    co_await wait(tasks);
}

SCENARIO(who_comes_after_the_notification_waits, 229) {
    Condition condition;
    {
        const auto held = co_await condition.scoped();
        condition.notify_all();
    }
    const auto waiter = create_task(waits(log, condition, "waiter"));
    co_await pause(5);
    log(waiter.done());
    {
        const auto held = co_await condition.scoped();
        condition.notify();
    }
    co_await waiter;
}

SCENARIO(a_notification_goes_on_to_the_next, 230) {
    Condition condition;
    const auto tasks = waiters(log, condition, {"a", "b", "c"});
    co_await pause(1);
    co_await condition.acquire();
    condition.notify();
    tasks[0].cancel("after the notification");
    condition.release();
    const std::vector<Task<>> two{tasks[0], tasks[1]};
    co_await wait(two);
    log(tasks[2].done());
    co_await pause(3);
    log(tasks[2].done());
    tasks[2].cancel("enough");
    co_await wait(tasks);
}

SCENARIO(a_wake_up_for_nothing, 230) {
    Condition condition;
    const auto tasks = waiters(log, condition, {"a", "b"});
    co_await pause(1);
    tasks[0].cancel("without a notification");
    co_await wait(tasks);
}

SCENARIO(wait_for_checks_again, 231) {
    Condition condition;
    int value = 0;
    const auto predicate = [&] {
        log("asked", value);
        return value >= 2 ? value : 0;
    };
    const auto waiter = [&]() -> Coro<> {
        const auto held = co_await condition.scoped();
        const int got = co_await condition.wait_for(predicate);
        log("got", got, condition.locked());
        const int again = co_await condition.wait_for(predicate);
        log("again", again);
    };
    const auto task = create_task(waiter());
    co_await pause(1);
    for (const int next : {1, 2}) {
        value = next;
        {
            const auto held = co_await condition.scoped();
            condition.notify_all();
        }
        co_await pause(3);
    }
    co_await task;
}

SCENARIO(a_predicate_that_fails, 231) {
    Condition condition;
    bool armed = false;
    const auto predicate = [&] {
        if (armed) throw ValueError("predicate");
        return false;
    };
    const auto waiter = [&]() -> Coro<> {
        const auto held = co_await condition.scoped();
        const std::string how = co_await outcome(condition.wait_for(predicate));
        log(how, condition.locked());
    };
    const auto task = create_task(waiter());
    co_await pause(1);
    armed = true;
    {
        const auto held = co_await condition.scoped();
        condition.notify();
    }
    co_await task;
    log(condition.locked());
}

SCENARIO(wait_for_with_a_limit, 228, 231) {
    Condition condition;
    {
        const auto held = co_await condition.scoped();
        const auto wait = co_await outcome(wait_for(condition.wait(), 1s));
        log(wait, condition.locked());
        log.at();
        const auto asked = co_await outcome(wait_for(condition.wait_for(&never), 1s));
        log(asked, condition.locked());
        log.at();
    }
    log(condition.locked());
}
