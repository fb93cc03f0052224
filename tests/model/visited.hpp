// Visited: the states in which a search has asked who goes on. Two ways that lead to the same state have the same
// continuations, so the second way is not followed.
//
// A state is what every thread has done and read so far, and in which order the stores to each place lie: the partial
// order of the execution until now, as a hash of it (Execution::state). What may follow also depends on how many
// preemptions are left, and on which threads the reduction holds back: a way is known only if an earlier one to its state
// had at least as much left.
//
// Two states could have the same hash: of 64 bits, so that a million states have one pair with a chance of 3e-8.
// Source: Musuvathi, Qadeer 2008 (caching of happens-before fingerprints).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/model/view.hpp"

namespace weft::model {

class Visited {
public:
    struct Way {
        std::uint64_t state = 0;  // 0: none
        std::uint32_t preemptions = 0;
        std::array<std::uint16_t, kMaxThreads> held_back{};  // each thread: 0 is not at all, more is worse

        [[nodiscard]] bool covers(const Way& other) const {
            if (preemptions > other.preemptions) return false;
            return std::equal(held_back.begin(), held_back.end(), other.held_back.begin(),
                              [](std::uint16_t ours, std::uint16_t theirs) { return ours <= theirs; });
        }
    };

    // Returns true if nothing new can follow. Otherwise the way is known from now on.
    bool knows(const Way& way) {
        if (2 * used_ >= ways_.size()) grow();
        Way& known = slot(way.state);
        if (known.state == 0) {
            ++used_;
            known = way;
            return false;
        }
        if (known.covers(way)) return true;
        if (way.covers(known)) known = way;
        return false;
    }

    void clear() {
        ways_.clear();
        used_ = 0;
    }

private:
    static constexpr std::size_t kFirst = 1024;

    Way& slot(std::uint64_t state) {
        std::size_t i = state & (ways_.size() - 1);
        while (ways_[i].state != 0 && ways_[i].state != state) i = (i + 1) & (ways_.size() - 1);
        return ways_[i];
    }
    void grow() {
        std::vector<Way> old(std::max(kFirst, 2 * ways_.size()));
        old.swap(ways_);
        for (const Way& way : old) {
            if (way.state != 0) slot(way.state) = way;
        }
    }

    std::vector<Way> ways_;  // open addressing
    std::size_t used_ = 0;
};

}  // namespace weft::model
