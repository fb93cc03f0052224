// Random: where the load's choices come from. One task's or thread's; whatever that starts gets one of its own: split().
// Source: Steele, Lea, Flood: SplitMix.
#pragma once

#include <chrono>
#include <cstdint>

#include "scheduler/clock.hpp"

namespace weft::soak {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    [[nodiscard]] std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    [[nodiscard]] Random split() { return Random(next()); }

    // 0 <= result < n.
    [[nodiscard]] std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>((next() >> 32) * n >> 32); }
    [[nodiscard]] std::uint32_t from_to(std::uint32_t least, std::uint32_t most) {
        return least + below(most - least + 1);
    }
    [[nodiscard]] bool one_in(std::uint32_t n) { return below(n) == 0; }
    [[nodiscard]] Duration up_to(std::chrono::microseconds most) {
        return std::chrono::microseconds(below(static_cast<std::uint32_t>(most.count()) + 1));
    }

private:
    std::uint64_t state_;
};

}  // namespace weft::soak
