// eventually: yields until a condition that other threads bring about holds. Returns false after a limit that only a
// lost wake-up reaches.
#pragma once

#include <chrono>
#include <thread>

namespace weft::test {

template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::yield();
    }
    return true;
}

}  // namespace weft::test
