// What a scenario in C++ says, and how: trace.py says the same of Python.
//
// SCENARIO(name, rules...) { ... } is the body of a Coro<> that a loop on virtual time runs; LOOP_SCENARIO a function
// that drives log.loop() itself. Both forms of a scenario have the same name. One call of `log` is one line of the
// trace; what the library reports becomes a line, too.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "api/weft.hpp"

namespace weft::conformance {

using namespace std::chrono_literals;

// Python's words for what scenarios throw.
using ValueError = std::invalid_argument;
using RuntimeError = std::runtime_error;

// An exception in the words of both languages: texts that only one of them has are left out.
[[nodiscard]] std::string err(const std::exception_ptr& exception);
// Only its type, for errors whose text is the library's own business.
[[nodiscard]] std::string kind(const std::exception_ptr& exception);

[[nodiscard]] std::string show(bool value);
[[nodiscard]] std::string show(double value);
[[nodiscard]] std::string show(TimePoint time);
[[nodiscard]] std::string show(const AnyTask& task);
[[nodiscard]] inline std::string show(std::string_view text) { return std::string(text); }
[[nodiscard]] inline std::string show(const char* text) { return text; }
[[nodiscard]] inline std::string show(std::monostate) { return "None"; }
[[nodiscard]] inline std::string show(const std::exception_ptr& exception) { return err(exception); }
template <std::integral I>
    requires(!std::same_as<I, bool>)
[[nodiscard]] std::string show(I number) {
    return std::to_string(number);
}
template <class T>
[[nodiscard]] std::string show(const Task<T>& task) {
    return task.get_name();
}
template <class T>
[[nodiscard]] std::string show(const std::optional<T>& value);
template <class T>
[[nodiscard]] std::string show(const Outcome<T>& outcome);
template <class... T>
[[nodiscard]] std::string show(const std::tuple<T...>& values);
template <class T>
[[nodiscard]] std::string show(const std::vector<T>& values) {
    std::string text = "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        if constexpr (std::same_as<T, bool>) {
            text += (i == 0 ? "" : ", ") + show(static_cast<bool>(values[i]));
        } else {
            text += (i == 0 ? "" : ", ") + show(values[i]);
        }
    }
    return text + "]";
}
template <class T>
std::string show(const std::optional<T>& value) {
    return value ? show(*value) : "None";
}
template <class T>
std::string show(const Outcome<T>& outcome) {
    return outcome.has_value() ? show(outcome.value()) : err(outcome.exception());
}
template <class... T>
std::string show(const std::tuple<T...>& values) {
    return std::apply([](const auto&... value) { return show(std::vector<std::string>{show(value)...}); }, values);
}

class Trace {
public:
    explicit Trace(Loop& loop) : loop_(loop) {}

    // Writes a line.
    template <class... Parts>
    void operator()(const Parts&... parts) {
        write({show(parts)...});
    }
    // A line that begins with the virtual time.
    template <class... Parts>
    void at(const Parts&... parts) {
        write({now() + ":", show(parts)...});
    }

    [[nodiscard]] Loop& loop() const { return loop_; }
    [[nodiscard]] std::string now() const;
    void silence() { silent_ = true; }

private:
    void write(const std::vector<std::string>& parts) const;

    Loop& loop_;
    bool silent_ = false;
};

// Awaits in the caller's own task and says how it ended.
template <class A>
Coro<std::string> outcome(A awaitable) {
    try {
        if constexpr (std::is_void_v<AwaitResult<A>>) {
            co_await std::move(awaitable);
            co_return "None";
        } else {
            auto value = co_await std::move(awaitable);
            co_return show(value);
        }
    } catch (...) {
        co_return err(std::current_exception());
    }
}

template <class F>
std::string attempt(F function) {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            function();
            return "None";
        } else {
            return show(function());
        }
    } catch (...) {
        return err(std::current_exception());
    }
}

// Like attempt, but only the type: the texts differ.
template <class F>
std::string refused(F function) {
    try {
        (void)function();
        return "None";
    } catch (...) {
        return kind(std::current_exception());
    }
}

Coro<> pause(int turns);

// One turn of a loop that is not running.
void turn(Loop& loop);

template <class H>
std::string state(const H& future) {
    return "done=" + show(future.done()) + " cancelled=" + show(future.cancelled());
}

// Counts turns: a callback that queues itself again. Virtual time stands still while it lives.
class Turns {
public:
    Turns() { queue(); }
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;
    ~Turns() { stop(); }

    void stop() const { handle_.cancel(); }

    int count = 0;

private:
    void queue() {
        handle_ = get_running_loop().call_soon([this] {
            ++count;
            queue();
        });
    }

    Handle handle_;
};

// The scenarios that the program has, in the order of their texts.
struct Scenario {
    std::string area;  // the name of its file
    std::string name;
    std::vector<int> rules;
    Coro<> (*body)(Trace& log);
    void (*loop_body)(Trace& log);
};

class Registration {
public:
    Registration(std::string_view file, std::string name, std::vector<int> rules, Coro<> (*body)(Trace& log));
    Registration(std::string_view file, std::string name, std::vector<int> rules, void (*body)(Trace& log));
};

}  // namespace weft::conformance

#define SCENARIO_OF(result, name, ...)                                                               \
    static result scenario_##name(weft::conformance::Trace& log);                                    \
    static const weft::conformance::Registration registration_##name(__FILE__, #name, {__VA_ARGS__}, \
                                                                     &scenario_##name);              \
    static result scenario_##name([[maybe_unused]] weft::conformance::Trace& log)
#define SCENARIO(name, ...) SCENARIO_OF(weft::Coro<>, name, __VA_ARGS__)
#define LOOP_SCENARIO(name, ...) SCENARIO_OF(void, name, __VA_ARGS__)
