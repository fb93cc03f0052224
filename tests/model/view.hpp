// View: what a thread has seen: of each location the oldest message it may still read, and of each thread the last
// moment that happens before its own next step. Joining two views is what synchronising means.
//
// Invariant: both halves only grow. `seen` alone (fences' order S, coherence) makes no happens-before; `clock` does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::model {

inline constexpr std::size_t kMaxThreads = 8;    // with the body's own
inline constexpr std::size_t kMaxLocations = 96;  // made in one execution

using Location = std::uint16_t;
using Thread = std::uint8_t;  // 0 is the body
using Stamp = std::uint16_t;  // a message's place in its location's modification order; a thread's moment

struct View {
    std::array<Stamp, kMaxLocations> seen{};
    std::array<Stamp, kMaxThreads> clock{};

    void join_seen(const View& other) {
        for (std::size_t i = 0; i < kMaxLocations; ++i) seen[i] = std::max(seen[i], other.seen[i]);
    }
    void join(const View& other) {
        join_seen(other);
        for (std::size_t i = 0; i < kMaxThreads; ++i) clock[i] = std::max(clock[i], other.clock[i]);
    }
    void raise(Location location, Stamp stamp) { seen[location] = std::max(seen[location], stamp); }
};

}  // namespace weft::model
