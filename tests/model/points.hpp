// Points: before which steps another thread may go on. Only where threads meet: at a place in the source whose access
// has been to a location that several threads use, one of them writing, in an execution seen so far. Anywhere else a
// switch could as well come later: what the thread does alone depends on nobody.
//
// Invariant: a search that ends has asked at every place where threads meet in any of its executions: an execution that
// finds a new one makes the search begin anew. (If an execution that was left out had another meeting, take the first
// one in it: what lies before it is, in another order, the beginning of an execution that was not left out.)
#pragma once

#include <cstdint>
#include <source_location>
#include <unordered_set>
#include <vector>

#include "tests/model/view.hpp"

namespace weft::model {

class Points {
public:
    [[nodiscard]] bool contain(const std::source_location& where) const { return known_.contains(key(where)); }

    // Thread: a virtual one. In the running execution.
    void visit(Thread thread, Location location, const std::source_location& where, bool writes);

    // A thread has hinted that it spins.
    void spin() { spins_ = true; }
    // Whether one has in an execution seen so far: then how old its last look is belongs to its state.
    [[nodiscard]] bool known_to_spin() const { return known_to_spin_; }

    // The execution has ended. Returns true if more is known than before.
    bool learn();

    // A number for a place in the source.
    static std::uint64_t key(const std::source_location& where) {
        return reinterpret_cast<std::uintptr_t>(where.file_name()) * 0x9e3779b97f4a7c15U +
               (std::uint64_t{where.line()} << 16) + where.column();
    }

private:
    struct Visits {
        std::uint8_t threads = 0;  // a bit each
        bool written = false;
        std::vector<std::uint64_t> at;  // that are no points yet
    };

    std::unordered_set<std::uint64_t> known_;
    std::vector<Visits> visits_;  // by location
    bool spins_ = false;
    bool known_to_spin_ = false;
};

}  // namespace weft::model
