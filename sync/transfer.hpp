// Transfer: how one coroutine passes control to another without growing the stack. clang: symmetric transfer. g++: a
// trampoline, because g++ 12.2 turns symmetric transfer into recursion below -O2 and under sanitizers (and the
// trampoline is faster there). One internal type; everything else says `return transfer_to(handle)`.
//
// With the trampoline an await_suspend stores the next handle and suspends; drive() resumes it.
#pragma once

#include <coroutine>

#ifndef WEFT_TRAMPOLINE
#if defined(__clang__)
#define WEFT_TRAMPOLINE 0
#else
#define WEFT_TRAMPOLINE 1
#endif
#endif

namespace weft::sync {

#if WEFT_TRAMPOLINE

namespace detail {
inline thread_local constinit std::coroutine_handle<> next_to_resume{};
}

using Transfer = void;

inline Transfer transfer_to(std::coroutine_handle<> next) noexcept { detail::next_to_resume = next; }
inline Transfer transfer_to_loop() noexcept {}

// Resumes `first` and whatever it passes control to, until something returns to the loop.
inline void drive(std::coroutine_handle<> first) {
    std::coroutine_handle<> next = first;
    do {
        detail::next_to_resume = {};
        next.resume();
        next = detail::next_to_resume;
    } while (next);
    detail::next_to_resume = {};
}

#else

using Transfer = std::coroutine_handle<>;

inline Transfer transfer_to(std::coroutine_handle<> next) noexcept { return next; }
inline Transfer transfer_to_loop() noexcept { return std::noop_coroutine(); }
inline void drive(std::coroutine_handle<> first) { first.resume(); }

#endif

}  // namespace weft::sync
