#include "api/shutdown.hpp"

#include <chrono>
#include <vector>

#include "api/loop.hpp"
#include "scheduler/neighbours.hpp"
#include "sync/exception_handler.hpp"
#include "sync/task.hpp"
#include "sync/task_list.hpp"

namespace weft::detail {

namespace {

// CPython's THREAD_JOIN_TIMEOUT.
constexpr std::chrono::seconds kThreadJoinTimeout{300};

// Awaits the end of a task, whatever it is.
Coro<> end_of(AnyTask task) {
    sync::FutureState& state = task.state();
    try {
        co_await task;
    } catch (...) {
        if (state.outcome() == sync::Outcome::exception) {
            sync::report({.message = "unhandled exception during run() shutdown",
                          .exception = state.failure(),
                          .future = task,
                          .task = task});
        }
    }
}

Coro<> cancel_all_tasks() {
    const AnyTask self = current_task();
    for (;;) {
        std::vector<AnyTask> others = all_tasks();
        std::erase(others, self);
        if (others.empty()) co_return;
        for (const AnyTask& task : others) task.cancel();
        for (const AnyTask& task : others) co_await end_of(task);
    }
}

}  // namespace

Coro<> shut_down() {
    co_await cancel_all_tasks();
    co_await get_running_loop().shutdown_asyncgens();
    co_await get_running_loop().shutdown_default_executor(kThreadJoinTimeout);
}

bool tasks_left(const Loop& loop) {
    bool any = false;
    for (scheduler::Loop* member : loop.group().loops()) {
        scheduler::LoopLocal<sync::TaskList>::of(*member).each([&any](sync::TaskState&) { any = true; });
    }
    return any;
}

}  // namespace weft::detail
