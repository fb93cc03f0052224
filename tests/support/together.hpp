// together: runs the given functions at the same time, each on its own thread, and returns when all have ended. A
// barrier lets them go at once, so that short ones overlap, too.
#pragma once

#include <barrier>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace weft::test {

inline void together(const std::vector<std::function<void()>>& functions) {
    std::barrier start(static_cast<std::ptrdiff_t>(functions.size()));
    std::vector<std::jthread> threads;
    for (const auto& function : functions) {
        threads.emplace_back([&start, &function] {
            start.arrive_and_wait();
            function();
        });
    }
}

}  // namespace weft::test
