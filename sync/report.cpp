#include "sync/report.hpp"

#include <cxxabi.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "scheduler/atomic.hpp"
#include "scheduler/handle.hpp"
#include "sync/errors.hpp"
#include "sync/interruption.hpp"

namespace weft::sync {

namespace {

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

// The scheduler learns here what to do with an exception that leaves a callback.
void report_from_callback(std::exception_ptr exception) noexcept {
    if (!interrupt_run(exception)) report("Exception in callback", exception);
}
[[maybe_unused]] const bool installed = [] {
    scheduler::report_callback_exception = &report_from_callback;
    return true;
}();

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

void report(std::string_view message, const std::exception_ptr& exception) noexcept {
    try {
        if (ReportSink sink = report_sink.load(std::memory_order_acquire)) return sink(message, exception);
        log().error("{}: {}", message, describe(exception));
    } catch (...) {
        // Nothing is left to tell it to.
    }
}

void set_report_sink(ReportSink sink) noexcept { report_sink.store(sink, std::memory_order_release); }

}  // namespace weft::sync
