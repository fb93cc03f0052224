// Timed: what the tests of wait, timeout and their like do again and again on a loop with virtual time.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "scheduler/handle.hpp"
#include "sync/branch.hpp"
#include "sync/coro.hpp"
#include "sync/sleep.hpp"

namespace weft::test {

// Virtual time begins at zero.
constexpr TimePoint at(Duration since_start) { return TimePoint{} + since_start; }

template <class T>
Coro<T> after(Duration delay, T value) {
    co_await sleep(delay);
    co_return value;
}

inline Coro<int> fails_after(Duration delay, std::string text) {
    co_await sleep(delay);
    throw std::runtime_error(text);
}

inline Coro<> turns(int count) {
    for (int i = 0; i < count; ++i) co_await sleep(Duration::zero());
}

// asyncio's call_soon and call_later, on the running loop.
inline Handle soon(std::function<void()> fn) { return scheduler::queue_callback(sync::require_loop(), std::move(fn)); }
inline TimerHandle later(Duration delay, std::function<void()> fn) {
    scheduler::Loop& loop = sync::require_loop();
    return scheduler::arm_callback(loop, loop.now() + delay, std::move(fn));
}

}  // namespace weft::test
