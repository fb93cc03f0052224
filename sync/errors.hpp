// The errors that asyncio's users expect, by asyncio's names.
//
// CancelledError, SystemExit and KeyboardInterrupt derive from nothing, so that `catch (const std::exception&)` does not
// swallow them.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "scheduler/invalid_state.hpp"

namespace weft {

class CancelledError {
public:
    CancelledError() = default;
    explicit CancelledError(std::string message) : message_(std::move(message)) {}

    // Returns what the canceller said, or "".
    [[nodiscard]] const std::string& message() const { return message_; }

private:
    std::string message_;
};

// Thrown by a task or a callback it leaves the loop's run(), hence run() and Runner::run(); main() may return code().
class SystemExit {
public:
    explicit SystemExit(int code = 0) : code_(code) {}

    [[nodiscard]] int code() const { return code_; }

private:
    int code_;
};

// Ctrl-C. Leaves the loop's run() like SystemExit.
class KeyboardInterrupt {};

class TimeoutError : public std::exception {
public:
    explicit TimeoutError(std::string message = "timed out") : message_(std::move(message)) {}
    [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
    [[nodiscard]] const std::string& message() const { return message_; }

private:
    std::string message_;
};

}  // namespace weft
