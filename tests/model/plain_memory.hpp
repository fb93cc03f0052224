// PlainMemory: every plain variable of production code as a checked one, with nothing written in that code. The models
// are compiled with clang's -fsanitize=thread, which calls a function at each access to memory that others might reach,
// but linked without its runtime: plain_memory.cpp defines these functions, and tells the execution.
//
// Invariant: every range of bytes within a word of 8 that was accessed as a whole has epochs of its own; an access is
// checked against all ranges that it overlaps and recorded in its own. New memory has no history; freeing is a write
// (who still uses it races), and the last access there may be until the memory is new again: a second free, or a use by
// who freed it, fails the execution before the C library meets it and does what nobody can foretell.
//
// clang tells the counts of shared_ptr, too, and those of exceptions are a file of the tree: Execution::change_count.
//
// What the explorer itself does is not compiled that way. Accesses outside explore() are ignored.
#pragma once

#include <algorithm>
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
    // Calls access(epochs) for each range that the bytes overlap; false as soon as one call says so.
    template <class F>
    bool each(std::uintptr_t begin, std::size_t bytes, F access) {
        const std::uintptr_t end = begin + bytes;
        for (std::uintptr_t at = begin; at < end;) {
            const std::uintptr_t next = std::min(end, (at / 8 + 1) * 8);
            const auto mask = static_cast<std::uint8_t>(((1U << (next - at)) - 1) << at % 8);
            if (!each_of_word(at / 8, mask, access)) return false;
            at = next;
        }
        return true;
    }
    void forget(std::uintptr_t begin, std::size_t bytes);
    [[nodiscard]] bool full() const { return used_ > kSlots / 2; }

private:
    static constexpr std::size_t kSlots = std::size_t{1} << 15;

    struct Slot {
        std::uintptr_t word = 0;
        std::uint64_t generation = 0;
        std::uint8_t mask = 0;  // which bytes of the word
        Epochs epochs;
    };

    static std::size_t first_slot(std::uintptr_t word) { return (word * 0x9e3779b97f4a7c15U) >> 49U; }  // 15 bits

    template <class F>
    bool each_of_word(std::uintptr_t word, std::uint8_t mask, F& access) {
        Epochs* own = nullptr;
        std::size_t i = first_slot(word);
        for (; slots_[i].generation == generation_; i = (i + 1) % kSlots) {
            Slot& slot = slots_[i];
            if (slot.word != word || (slot.mask & mask) == 0) continue;
            if (slot.mask == mask) {
                own = &slot.epochs;
            } else if (Epochs others = slot.epochs; !access(others)) {
                return false;
            }
        }
        if (own == nullptr) {
            slots_[i] = {word, generation_, mask, {}};
            own = &slots_[i].epochs;
            ++used_;
        }
        return access(*own);
    }

    std::vector<Slot> slots_;  // open addressing
    std::uint64_t generation_ = 1;
    std::size_t used_ = 0;
};

}  // namespace weft::model
