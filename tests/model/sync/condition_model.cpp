// Condition and Barrier, with whole tasks: no notification is lost, and who raises holds the lock.
#include "sync/condition.hpp"

#include <functional>

#include "sync/barrier.hpp"
#include "sync/exception_context.hpp"
#include "sync/report.hpp"
#include "sync/task.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"

using weft::Barrier;
using weft::CancelledError;
using weft::Condition;
using weft::Coro;
using weft::create_task;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::require;
using weft::model::together;

namespace {

Coro<> wait_until_set(Condition& condition, Cell<int>& flag) {
    try {
        const weft::LockGuard held = co_await condition.scoped();
        while (flag.get() == 0) co_await condition.wait();
        flag.set(2);
    } catch (const CancelledError&) {  // with the lock, which it has let go of
    }
}

Coro<> stop_behind(weft::Task<> task, const Loops& loops) {
    try {
        co_await task;
    } catch (const CancelledError&) {  // before it began
    }
    loops.stop();
}

void set(Condition& condition, Cell<int>& flag) {
    while (!condition.try_acquire()) weft::scheduler::spin_hint();
    flag.set(1);
    condition.notify();
    condition.release();
}

void a_notification_comes() {
    Condition condition;
    Cell<int> flag;
    const Loops loops(1);
    const auto task = create_task(wait_until_set(condition, flag), {.loop = &loops[0]});
    (void)create_task(stop_behind(task, loops), {.loop = &loops[0]});
    together({[&] { loops.run(0); }, [&] { set(condition, flag); }});
    require(task.done() && flag.get() == 2, "it came");
    require(condition.try_acquire(), "the lock is free");
}

void a_notification_comes_and_its_waiter_is_cancelled() {
    Condition condition;
    Cell<int> flag;
    const Loops loops(1);
    const auto task = create_task(wait_until_set(condition, flag), {.loop = &loops[0]});
    (void)create_task(stop_behind(task, loops), {.loop = &loops[0]});
    together({[&] { loops.run(0); },
              [&] {
                  set(condition, flag);
                  (void)task.cancel();
              }});
    require(condition.try_acquire(), "the lock is free");
}

Coro<> meet(Barrier& barrier, const Loops& loops, int& met) {
    (void)co_await barrier.wait();
    if (++met == 2) loops.stop();
}

void two_meet() {
    Barrier barrier(2);
    const Loops loops(2);
    int met = 0;  // the second is behind the first: they pass in turn, with the lock
    const auto first = create_task(meet(barrier, loops, met), {.loop = &loops[0]});
    const auto second = create_task(meet(barrier, loops, met), {.loop = &loops[0]});
    together({[&] { loops.run(0); }, [&] { loops.run(1); }});
    require(met == 2, "both");
}

// One loop closes with a task inside while another task comes, on a loop of its own.
void a_task_in_a_barrier_is_dismantled() {
    weft::sync::set_report_sink([](const weft::ExceptionContext&) {});  // that it was pending
    Barrier barrier(3);
    const Loops closing(1);
    const Loops other(1);
    int met = 0;
    const auto first = create_task(meet(barrier, closing, met), {.loop = &closing[0]});
    closing[0].step();
    require(barrier.n_waiting() == 1, "it waits");
    const auto second = create_task(meet(barrier, other, met), {.loop = &other[0]});
    together({[&] { closing.close(); }, [&] { other[0].step(); }});
    require(barrier.n_waiting() == 1, "the other one waits");
    other.close();
    require(barrier.n_waiting() == 0, "nobody waits");
}

}  // namespace

WEFT_MODEL("condition: wait, notify", a_notification_comes, {.type = "Condition", .threads = {"wait", "notify"}});

WEFT_MODEL("condition: wait, notify and cancel", a_notification_comes_and_its_waiter_is_cancelled,
           {.type = "Condition", .threads = {"wait", "notify, cancel"}});

WEFT_MODEL("barrier: one is dismantled, one comes", a_task_in_a_barrier_is_dismantled,
           {.type = "Barrier", .threads = {"end", "wait"}});

WEFT_MODEL("barrier: two meet", two_meet, {.type = "Barrier", .threads = {"wait, wait", "steal"}});
