#include "sync/exception_handler.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "scheduler/loop_local.hpp"
#include "scheduler/schedule.hpp"
#include "scheduler/stall.hpp"
#include "sync/context_state.hpp"
#include "sync/interruption.hpp"
#include "sync/report.hpp"
#include "sync/stall.hpp"

namespace weft::sync {

namespace {

using scheduler::Loop;

// Shared, because a handler may replace itself while it runs.
struct HandlerSlot {
    explicit HandlerSlot(Loop&) {}
    std::shared_ptr<const ExceptionHandler> handler;
};

std::shared_ptr<const ExceptionHandler> handler_of(Loop& loop) {
    const HandlerSlot* slot = scheduler::LoopLocal<HandlerSlot>::find(loop);
    return slot == nullptr ? nullptr : slot->handler;
}

// Runs what may throw SystemExit and KeyboardInterrupt, and catches everything else. Returns it.
template <class F>
std::exception_ptr caught_from(F f) {
    try {
        f();
        return nullptr;
    } catch (...) {
        if (is_interruption(std::current_exception())) throw;
        return std::current_exception();
    }
}

void call_in_library(Loop& loop, const ExceptionContext& context) noexcept {
    try {
        call_exception_handler(loop, context);
    } catch (...) {
        if (interrupt_run(std::current_exception())) return;
        log_last_resort("an exception handler left a loop that does not run", std::current_exception());
    }
}

void call_default_in_library(const ExceptionContext& context) noexcept {
    try {
        default_exception_handler(context);
    } catch (...) {
        log_last_resort("Exception in default exception handler", std::current_exception());
    }
}

// A report on its way to another loop.
class SentReport final : public scheduler::Runnable {
public:
    explicit SentReport(ExceptionContext context) : context_(std::move(context)) {}

    void run() noexcept override {
        call_in_library(*scheduler::current_loop(), context_);
        delete this;
    }
    void drop() noexcept override { run(); }  // a closing loop is current, and may still have its handler

private:
    const ExceptionContext context_;
};

// Returns false if that loop is closed.
bool send(const ExceptionContext& context, scheduler::Shell& home) {
    auto* report = new SentReport(context);
    if (scheduler::schedule_on(*report, home, home.generation()) == scheduler::Sent::sent) return true;
    delete report;
    return false;
}

// Returns null if the context concerns nothing that belongs to a loop.
scheduler::Shell* home_of(const ExceptionContext& context) {
    const FutureState* concerned = context.task ? &context.task.state() : nullptr;
    if (concerned == nullptr && context.future) concerned = &context.future.state();
    return concerned == nullptr ? nullptr : concerned->home_shell();
}

std::string to_fixed(double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f", seconds);
    return text.data();
}

void report_from_callback(std::exception_ptr exception, scheduler::Callback* callback) noexcept {
    if (interrupt_run(exception)) return;  // rule 21
    ExceptionContext context{.message = "Exception in callback", .exception = std::move(exception)};
    if (callback == nullptr) return report(std::move(context));
    callback->retain();
    const Handle handle(*callback);
    context.handle = &handle;
    report(std::move(context));
}
// The scheduler learns here what to do with what only this room understands.
[[maybe_unused]] const bool installed = [] {
    scheduler::describe_waiting = &describe_waiting_tasks;
    scheduler::report_stall = &report_stall;
    scheduler::callback_exception_hook = &report_from_callback;
    scheduler::report_slow_runnable = [](const std::string& what, Duration took) noexcept {
        const double seconds = std::chrono::duration<double>(took).count();
        warn("Executing " + what + " took " + to_fixed(seconds) + " seconds");
    };
    return true;
}();

}  // namespace

void make_exception_handler(Loop& loop) { (void)scheduler::LoopLocal<HandlerSlot>::of(loop); }

void set_exception_handler(Loop& loop, ExceptionHandler handler) {
    auto& slot = scheduler::LoopLocal<HandlerSlot>::of(loop);
    slot.handler = handler ? std::make_shared<const ExceptionHandler>(std::move(handler)) : nullptr;
}

ExceptionHandler exception_handler(Loop& loop) {
    const auto handler = handler_of(loop);
    return handler ? *handler : nullptr;
}

void call_exception_handler(Loop& loop, const ExceptionContext& context) {
    std::optional<ContextEntry> inside;  // rule 23; a callback reports from inside its own
    if (context.task) inside.emplace(static_cast<TaskState&>(context.task.state()).context());
    const auto handler = handler_of(loop);
    if (!handler) {
        if (auto failure = caught_from([&] { default_exception_handler(context); })) {
            log_last_resort("Exception in default exception handler", failure);
        }
        return;
    }
    const std::exception_ptr failure = caught_from([&] { (*handler)(loop, context); });
    if (failure == nullptr) return;
    // Rule 24.
    ExceptionContext unhandled = context;
    unhandled.message =
        "Unhandled error in exception handler: " + describe(failure) + ", while handling: " + context.message;
    if (auto second = caught_from([&] { default_exception_handler(unhandled); })) {
        log_last_resort(
            "Exception in default exception handler while handling an unexpected error in custom exception handler",
            second);
    }
}

void report(ExceptionContext context) noexcept {
    try {
        Loop* here = scheduler::current_loop();
        scheduler::Shell* home = home_of(context);
        if (home != nullptr && (here == nullptr || &here->shell() != home) && context.handle == nullptr) {
            if (!send(context, *home)) call_default_in_library(context);
            return;
        }
        if (here != nullptr) return call_in_library(*here, context);
        call_default_in_library(context);
    } catch (...) {
        log_last_resort(context.message, context.exception);
    }
}

void report(std::string message, FutureState& concerned, const std::exception_ptr& exception) noexcept {
    concerned.retain();
    const AnyFuture future{FutureRef(&concerned)};
    ExceptionContext context{.message = std::move(message), .exception = exception, .future = future};
    if (dynamic_cast<TaskState*>(&concerned) != nullptr) context.task = AnyTask(future.ref());
    report(std::move(context));
}

}  // namespace weft::sync
