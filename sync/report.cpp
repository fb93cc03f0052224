#include "sync/report.hpp"

#include <cxxabi.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "scheduler/atomic.hpp"
#include "sync/errors.hpp"
#include "sync/exception_handler.hpp"
#include "sync/stall.hpp"

namespace weft::sync {

namespace {

// R1: release store, acquire loads: who reports finds what the sink needs.
constinit scheduler::Atomic<ReportSink> report_sink{nullptr};

spdlog::logger& log() {
    static const std::shared_ptr<spdlog::logger> logger = [] {
        auto made = std::make_shared<spdlog::logger>("weft", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%d %H:%M:%S.%e %l [%n] %v");
        return made;
    }();
    return *logger;
}

std::string demangled(const std::type_info& type) {
    const char* mangled = type.name();
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                           &std::free);
    return status == 0 ? name.get() : mangled;
}

}  // namespace

std::string type_name(const std::exception_ptr& exception) {
    return exception == nullptr ? "no exception" : demangled(*exception.__cxa_exception_type());
}

std::string describe(const std::exception_ptr& exception) {
    if (exception == nullptr) return "no exception";
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& e) {
        return demangled(typeid(e)) + ": " + e.what();
    } catch (const CancelledError& e) {
        return "CancelledError: " + e.message();
    } catch (const SystemExit& e) {
        return "SystemExit: " + std::to_string(e.code());
    } catch (const KeyboardInterrupt&) {
        return "KeyboardInterrupt";
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

std::string describe(const ExceptionContext& context) {
    std::string text = context.message.empty() ? "Unhandled exception in event loop" : context.message;
    if (context.exception != nullptr) text += ": " + describe(context.exception);
    if (context.task) text += describe_task(static_cast<TaskState&>(context.task.state()));
    if (context.handle != nullptr && context.handle->cancelled()) text += "\n  handle: cancelled";
    return text;
}

void default_exception_handler(const ExceptionContext& context) {
    if (ReportSink sink = report_sink.load(std::memory_order_acquire)) return sink(context);  // R1
    log().error("{}", describe(context));
}

void report(std::string_view message, const std::exception_ptr& exception) noexcept {
    try {
        report(ExceptionContext{.message = std::string(message), .exception = exception});
    } catch (...) {
        log_last_resort(message, exception);
    }
}

void warn(const std::string& message) noexcept {
    try {
        if (ReportSink sink = report_sink.load(std::memory_order_acquire)) {  // R1
            return sink(ExceptionContext{.message = message});
        }
        log().warn("{}", message);
    } catch (...) {
        log_last_resort(message, nullptr);
    }
}

void log_last_resort(std::string_view message, const std::exception_ptr& exception) noexcept {
    try {
        const std::string text = exception == nullptr ? std::string() : ": " + describe(exception);
        std::fprintf(stderr, "weft: %.*s%s\n", static_cast<int>(message.size()), message.data(), text.c_str());
    } catch (...) {
        // Nothing is left to tell it to.
    }
}

void set_report_sink(ReportSink sink) noexcept { report_sink.store(sink, std::memory_order_release); }  // R1

}  // namespace weft::sync
