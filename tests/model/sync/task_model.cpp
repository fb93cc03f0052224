// Tasks with coroutines on loops: one that waits is woken once, and a cancel reaches it wherever it is: before it begins,
// where it waits, in a branch, or too late.
#include "sync/task.hpp"

#include <exception>
#include <functional>

#include "sync/fork_join.hpp"
#include "sync/future.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"

using weft::CancelledError;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::Future;
using weft::model::choose;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::require;
using weft::model::together;
using weft::sync::Outcome;

namespace {

Coro<int> wait_for_it(Future<int> future) { co_return co_await future; }

Coro<int> give_seven() { co_return 7; }

// Stops the loops when what it waits for has ended.
class Stopping final : public weft::sync::Waiter {
public:
    explicit Stopping(const Loops& loops) : loops_(loops) {}
    void wake() noexcept override { loops_.stop(); }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

private:
    const Loops& loops_;
};

// A loop, a completer and a canceller.
void complete_and_cancel() {
    Loops loops(1);
    const Future<int> future = create_future<int>();
    const auto task = create_task(wait_for_it(future), {.loop = &loops[0]});
    Stopping stopping(loops);
    (void)task.state().add_waiter(stopping);
    bool cancelled = false;
    together({[&] { loops.run(0); }, [&] { (void)future.try_set_result(7); }, [&] { cancelled = task.cancel(); }});
    require(task.done() && task.cancelled() == cancelled, "as it was told");
    require(cancelled || task.result() == 7, "the value");
}

// A loop's turn against a canceller on another thread; then until it is done.
template <class Task>
void turn_and_cancel(const Loops& loops, const Task& task) {
    bool accepted = false;
    together({[&] { loops[0].step(); }, [&] { accepted = task.cancel("why"); }});
    while (!task.done()) loops[0].step();
    require(accepted == task.cancelled(), "as it was told");
    if (!accepted) return;
    try {
        std::rethrow_exception(task.state().failure());
    } catch (const CancelledError& e) {
        require(e.message() == "why", "and why");
    }
}

void a_task_begins_and_is_cancelled() {
    const Loops loops(1);
    turn_and_cancel(loops, create_task(wait_for_it(create_future<int>()), {.loop = &loops[0]}));
}

// Rule 76: its body is never entered.
Coro<> note_entry(bool& entered) {
    entered = true;
    co_return;
}
void a_task_is_cancelled_before_it_begins() {
    const Loops loops(1);
    bool entered = false;
    const auto task = create_task(note_entry(entered), {.loop = &loops[0]});
    require(task.cancel(), "it has not ended");
    together({[&] { loops[0].step(); }, [&] { (void)task.cancel("again"); }});
    require(task.cancelled() && !entered, "it never began");
}

// It waits already. A text may lie where one was that is gone.
void a_waiting_task_is_cancelled_three_times() {
    const Loops loops(1);
    const auto task = create_task(wait_for_it(create_future<int>()), {.loop = &loops[0]});
    loops[0].step();
    together({[&] { (void)task.cancel("a"); },
              [&] {
                  (void)task.cancel("b");
                  (void)task.cancel("c");
              }});
    require(task.cancelling() == 3, "all are counted");
    while (!task.done()) loops[0].step();
    require(task.cancelled(), "it has ended");
}

void a_task_returns_and_is_cancelled() {
    const Loops loops(1);
    turn_and_cancel(loops, create_task(give_seven(), {.loop = &loops[0]}));
}

Coro<> wait_and_stop(Future<int> future, const Loops& loops, int& got) {
    got = co_await future;
    loops.stop();
}

// Who wakes it may go on with it: that loop, in debug mode, looks at it before.
void a_task_goes_on_elsewhere() {
    const Loops loops(2);
    loops[1].set_debug(true);
    const auto future = create_future<int>();
    int got = 0;
    {
        const OnLoop here(loops[0]);
        (void)create_task(wait_and_stop(future, loops, got));
    }
    together({[&] { loops.run(0); },
              [&] {
                  {
                      const OnLoop here(loops[1]);
                      (void)future.try_set_result(7);
                  }
                  loops.run(1);
              }});
    require(got == 7, "it has gone on");
}

Coro<> fork(Future<int> first, Future<int> second) {
    (void)co_await weft::fork_join(wait_for_it(first), wait_for_it(second));
}

// Nobody but cancellers ends the branches. The second has not begun: it begins and is cancelled, or never begins.
void a_branch_begins_and_is_cancelled() {
    const Loops loops(1);
    const auto task = create_task(fork(create_future<int>(), create_future<int>()), {.loop = &loops[0]});
    loops[0].step();
    turn_and_cancel(loops, task);
}

// A request that came before the task resumes is delivered with the one that ended its wait.
Coro<int> wait_and_forgive(Future<int> future) {
    try {
        co_return co_await future;
    } catch (const CancelledError&) {
        co_return 7;
    }
}

void a_task_is_cancelled_before_it_resumes() {
    const Loops loops(1);
    bool third = choose(2) == 1;
    const auto task = create_task(wait_and_forgive(create_future<int>()), {.loop = &loops[0]});
    loops[0].step();
    (void)task.cancel("a");
    (void)task.cancel("b");
    together({[&] { loops[0].step(); },
              [&] {
                  if (third) third = task.cancel("c");
              }});
    require(task.done() && task.cancelling() == (third ? 3 : 2), "it has ended, and all are counted");
    require(third || task.state().outcome() == Outcome::value, "both are delivered");
}

Coro<> fork_and_wait(Future<int> first, Future<int> second, Future<int> third) {
    try {
        (void)co_await weft::fork_join(wait_for_it(first), wait_for_it(second));
    } catch (const CancelledError&) {  // as expected
    }
    (void)co_await third;
}

// Cancelled on its loop, by itself, and from elsewhere. Then it waits again.
void a_join_is_cancelled_by_two() {
    const Loops loops(1);
    const auto last = create_future<int>();
    const auto task = create_task(fork_and_wait(create_future<int>(), create_future<int>(), last), {.loop = &loops[0]});
    loops[0].step();
    loops[0].step();
    together({[&] {
                  const OnLoop here(loops[0]);
                  (void)task.cancel("here");
              },
              [&] { (void)task.cancel("there"); }});
    require(task.cancelling() == 2, "both are counted");
    for (int turns = 0; turns < 3; ++turns) loops.turn(0);
    (void)last.try_set_result(7);
    while (!task.done()) loops[0].step();
}

}  // namespace

WEFT_MODEL("task: complete, cancel, step", complete_and_cancel,
           {.type = "TaskState", .threads = {"step", "wake", "cancel"}});
WEFT_MODEL("task: two cancel three times", a_waiting_task_is_cancelled_three_times,
           {.type = "TaskState", .threads = {"cancel", "cancel, cancel"}});
WEFT_MODEL("task: cancelled twice, step, cancel", a_task_is_cancelled_before_it_resumes,
           {.type = "TaskState", .threads = {"step", "cancel"}});
WEFT_MODEL("task: cancelled, begins, cancel", a_task_is_cancelled_before_it_begins,
           {.type = "TaskState", .threads = {"run", "cancel"}});
WEFT_MODEL("task: begins, cancel", a_task_begins_and_is_cancelled,
           {.type = "TaskState", .threads = {"run, suspend", "cancel"}});
WEFT_MODEL("task: woken on another loop", a_task_goes_on_elsewhere,
           {.type = "TaskState", .threads = {"run, suspend", "wake, run"}});
WEFT_MODEL("task: returns, cancel", a_task_returns_and_is_cancelled,
           {.type = "TaskState", .threads = {"run, finish", "cancel"}});
WEFT_MODEL("fork_join: a branch begins, cancel", a_branch_begins_and_is_cancelled,
           {.type = "Branch", .threads = {"begin", "cancel"}});
WEFT_MODEL("fork_join: cancel here and there", a_join_is_cancelled_by_two,
           {.type = "Branch", .threads = {"cancel", "cancel"}});
