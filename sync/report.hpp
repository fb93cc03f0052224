// Where failures go that nobody awaits: logged through spdlog, with the exception's text. Thread: any.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace weft::sync {

void report(std::string_view message, const std::exception_ptr& exception) noexcept;

// Returns what() of a std::exception, the message of a CancelledError, or "unknown exception".
[[nodiscard]] std::string describe(const std::exception_ptr& exception);

// Returns the name of the exception's type, as the program spells it.
[[nodiscard]] std::string type_name(const std::exception_ptr& exception);

// A test may listen in; null restores the log. Not for use while loops run.
using ReportSink = void (*)(std::string_view message, const std::exception_ptr& exception);
void set_report_sink(ReportSink sink) noexcept;

}  // namespace weft::sync
