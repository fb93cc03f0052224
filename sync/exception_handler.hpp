// The exception handler of a loop: where failures go that nobody awaits. Rules 20 to 25.
//
// A handler runs on its own loop's thread. A report about another loop's task or future is sent there; if that loop is
// closed, and off all loops, the default handler logs it (see report.hpp).
//
// Invariant: nothing that a handler throws gets lost or harms the loop: SystemExit and KeyboardInterrupt leave the
// loop's run, anything else is reported by the default handler together with what was to be handled.
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "scheduler/loop.hpp"
#include "sync/exception_context.hpp"

namespace weft::sync {

using ExceptionHandler = std::function<void(scheduler::Loop&, const ExceptionContext&)>;

// Made before what reports while the loop closes, so that it is destroyed after.
void make_exception_handler(scheduler::Loop& loop);

// Empty: the default. Thread: the loop's own, or any while it does not run.
void set_exception_handler(scheduler::Loop& loop, ExceptionHandler handler);
[[nodiscard]] ExceptionHandler exception_handler(scheduler::Loop& loop);

// Calls the loop's handler, now. Throws SystemExit and KeyboardInterrupt, if the handler does, and nothing else.
// Thread: as above.
void call_exception_handler(scheduler::Loop& loop, const ExceptionContext& context);

// Logs. Throws what the sink of a test throws.
void default_exception_handler(const ExceptionContext& context);

// Tells the handler of the loop that the context's task or future belongs to; without one, of the running loop.
// Thread: any. This is what the library itself calls.
void report(ExceptionContext context) noexcept;
// The same about one future, or task. The caller holds a reference.
void report(std::string message, FutureState& concerned, const std::exception_ptr& exception) noexcept;
}  // namespace weft::sync
