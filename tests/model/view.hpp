// View: what a thread has seen: of each location the oldest message it may still read, and of each thread the last
// moment that happens before its own next step. Joining two views is what synchronising means.
//
// Invariant: both halves only grow. `seen` alone (fences' order S, coherence) makes no happens-before; `clock` does.
// What lies behind `width_` counts as zero and is never read: most executions touch few of the locations.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::model {

inline constexpr std::size_t kMaxThreads = 8;      // with the body's own
inline constexpr std::size_t kMaxLocations = 512;  // used in one execution

using Location = std::uint16_t;
using Thread = std::uint8_t;  // 0 is the body
using Stamp = std::uint16_t;  // a message's place in its location's modification order; a thread's moment

class View {
public:
    View() = default;
    View(const View& other) { *this = other; }
    View& operator=(const View& other) {
        width_ = other.width_;
        std::copy_n(other.seen_.begin(), width_, seen_.begin());
        clock = other.clock;
        return *this;
    }

    void join_seen(const View& other) {
        widen(other.width_);
        for (std::size_t i = 0; i < other.width_; ++i) seen_[i] = std::max(seen_[i], other.seen_[i]);
    }
    void join(const View& other) {
        join_seen(other);
        for (std::size_t i = 0; i < kMaxThreads; ++i) clock[i] = std::max(clock[i], other.clock[i]);
    }
    void raise(Location location, Stamp stamp) {
        widen(location + std::size_t{1});
        seen_[location] = std::max(seen_[location], stamp);
    }
    [[nodiscard]] Stamp seen(Location location) const { return location < width_ ? seen_[location] : Stamp{0}; }

    std::array<Stamp, kMaxThreads> clock{};

private:
    static constexpr std::size_t kStep = 16;  // a width is a multiple: loops over it are a few wide instructions

    void widen(std::size_t width) {
        if (width <= width_) return;
        width = (width + kStep - 1) / kStep * kStep;
        std::fill(seen_.begin() + width_, seen_.begin() + static_cast<std::ptrdiff_t>(width), Stamp{0});
        width_ = static_cast<std::uint16_t>(width);
    }

    std::uint16_t width_ = 0;
    std::array<Stamp, kMaxLocations> seen_;
};

}  // namespace weft::model
