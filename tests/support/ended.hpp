// ended: awaits anything inside the awaiting task and says in words how it ended, for CHECKs outside of try blocks:
// "value", "cancelled", "cancelled: <message>", "error: <what>".
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "sync/coro.hpp"
#include "sync/errors.hpp"

namespace weft::test {

inline std::string in_words(const CancelledError& error) {
    return error.message().empty() ? "cancelled" : "cancelled: " + error.message();
}

template <class A>
Coro<std::string> ended(A awaitable) {
    try {
        (void)co_await std::move(awaitable);
        co_return "value";
    } catch (const CancelledError& error) {
        co_return in_words(error);
    } catch (const std::exception& error) {
        co_return std::string("error: ") + error.what();
    }
}

// The same for a function that throws at once.
template <class F>
std::string thrown_by(F fn) {
    try {
        (void)fn();
        return "nothing";
    } catch (const CancelledError& error) {
        return in_words(error);
    } catch (const std::exception& error) {
        return std::string("error: ") + error.what();
    }
}

}  // namespace weft::test
