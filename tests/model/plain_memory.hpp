// PlainMemory: every plain variable of production code as a checked one, with nothing written in that code. The models
// are compiled with clang's -fsanitize=thread, which calls a function at each access to memory that others might reach,
// but linked without its runtime: plain_memory.cpp defines these functions, and tells the execution.
//
// Invariant: a byte has epochs from its first access in this execution on; freeing memory is a write to it (who still
// uses it races), and new memory has no history.
//
// What the explorer itself does is not compiled that way. Accesses outside explore() are ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/model/memory.hpp"

namespace weft::model {

class PlainMemory {
public:
    PlainMemory() : slots_(kSlots) {}

    // Forgets everything.
    void reset() {
        ++generation_;
        used_ = 0;
    }
    Epochs& at(std::uintptr_t byte);
    void forget(std::uintptr_t begin, std::size_t bytes);
    [[nodiscard]] bool full() const { return used_ > kSlots / 2; }

private:
    static constexpr std::size_t kSlots = std::size_t{1} << 15;

    struct Slot {
        std::uintptr_t byte = 0;
        std::uint64_t generation = 0;
        Epochs epochs;
    };

    std::vector<Slot> slots_;  // open addressing
    std::uint64_t generation_ = 1;
    std::size_t used_ = 0;
};

}  // namespace weft::model
