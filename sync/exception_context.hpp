// ExceptionContext: what a loop's exception handler is told about a failure that nobody awaits. asyncio's keys are
// members; only the message is always there.
#pragma once

#include <exception>
#include <string>

#include "scheduler/handle.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"

namespace weft {

struct ExceptionContext {
    std::string message{};
    std::exception_ptr exception{};
    // The future concerned; for a task it names the task, too.
    AnyFuture future{};
    AnyTask task{};
    // The callback that threw. Valid during the call only.
    const Handle* handle = nullptr;
};

}  // namespace weft
