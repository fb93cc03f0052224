// Current: whose code runs on this thread right now. Set by a task's step, kept up to date by fork_join.
//
// `branch` is the innermost branch that has not become a task of its own, or null; then `task` is exact. Never cached
// across a suspension: the coroutine may go on on another thread.
#pragma once

#include "sync/strand.hpp"
#include "sync/when_profiled.hpp"

namespace weft::sync {

class TaskState;
class Branch;
class ContextEntry;

struct Current {
    TaskState* task = nullptr;
    Branch* branch = nullptr;
    // Set by the final suspension of a task's own coroutine: its step has ended the task.
    TaskState* finished = nullptr;
    // The innermost context that was entered in this step: a callback's, or Context::run's. Null: the task's own.
    ContextEntry* entered = nullptr;
    [[no_unique_address]] WhenProfiled<Strand> strand{};
};

namespace detail {
inline thread_local constinit Current current{};
}

[[nodiscard]] inline Current& current() noexcept { return detail::current; }

}  // namespace weft::sync
