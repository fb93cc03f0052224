// Failures in words, and the log: the default exception handler writes to stderr through spdlog. Thread: any.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace weft {
struct ExceptionContext;
}

namespace weft::sync {

// To the exception handler of the running loop, see exception_handler.hpp.
void report(std::string_view message, const std::exception_ptr& exception) noexcept;

// Returns type and what() of a std::exception, or the name of one of ours with its message.
[[nodiscard]] std::string describe(const std::exception_ptr& exception);

// Returns the name of the exception's type, as the program spells it.
[[nodiscard]] std::string type_name(const std::exception_ptr& exception);

// Returns the whole text that is logged: one line, and indented ones about what is concerned.
[[nodiscard]] std::string describe(const ExceptionContext& context);

// To the log, as a warning: nothing has failed.
void warn(const std::string& message) noexcept;

// For what even the log could not take: a line on stderr.
void log_last_resort(std::string_view message, const std::exception_ptr& exception) noexcept;

// A test may listen in; null restores the log. Not for use while loops run.
using ReportSink = void (*)(const ExceptionContext& context);
void set_report_sink(ReportSink sink) noexcept;

}  // namespace weft::sync
