// TaskState on a loop: a task that waits is woken once, and a cancel reaches it wherever it is.
#include "sync/task.hpp"

#include <functional>

#include "sync/future.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"

using weft::CancelledError;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::Future;
using weft::model::Loops;
using weft::model::require;
using weft::model::together;

namespace {

Coro<int> wait_for_it(Future<int> future) { co_return co_await future; }

Coro<void> stop_when_done(weft::Task<int> task, const Loops& loops, int& result) {
    try {
        result = co_await task;
    } catch (const CancelledError&) {
        result = -1;
    }
    loops.stop();
}

// A loop, a completer and a canceller.
void complete_and_cancel() {
    Loops loops(1);
    const Future<int> future = create_future<int>();
    int result = 0;
    const auto task = create_task(wait_for_it(future), {.loop = &loops[0]});
    const auto end = create_task(stop_when_done(task, loops, result), {.loop = &loops[0]});
    bool cancelled = false;
    together({[&] { loops.run(0); }, [&] { (void)future.try_set_result(7); }, [&] { cancelled = task.cancel(); }});
    require(result == 7 || result == -1, "it has ended");
    require(cancelled || result == 7, "without a cancel it has the value");
}

}  // namespace

WEFT_MODEL("task: complete, cancel, step", complete_and_cancel,
           {.type = "TaskState",
            .threads = {"step", "wake", "cancel"},
            .limits = {.preemptions = 2, .executions = 50'000}});
