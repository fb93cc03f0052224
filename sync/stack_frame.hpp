// StackFrame: one coroutine of a suspended task's chain, and where it awaits. The texts are the compiler's: they live
// as long as the program.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

namespace weft {

struct StackFrame {
    std::string_view function;
    std::string_view file;
    std::uint_least32_t line = 0;

    friend bool operator==(const StackFrame&, const StackFrame&) = default;
};

namespace sync {

// A place that nobody noted has line 0.
[[nodiscard]] constexpr bool known(const std::source_location& place) noexcept { return place.line() != 0; }

[[nodiscard]] inline StackFrame frame_at(const std::source_location& place) {
    return {place.function_name(), place.file_name(), place.line()};
}

// Returns "file:line, in function".
[[nodiscard]] std::string in_words(const std::source_location& place);

}  // namespace sync

}  // namespace weft
