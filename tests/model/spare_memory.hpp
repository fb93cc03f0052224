// SpareMemory: what an execution frees stays with it, filled with what is neither a pointer nor a length, and is taken
// again, the latest first, by the next block of its size. So whoever uses freed memory in code that nobody tells of (the
// C++ library's) does the same each time, whatever the C library would have written there, and old addresses come again
// as soon as they can: what a compare-exchange may mistake for what it knew.
//
// Invariant: a block of bin n has room for 16 n + 8 bytes, n > 0; the blocks are the C library's and go back to it at the
// end.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace weft::model {

class SpareMemory {
public:
    SpareMemory() = default;
    SpareMemory(const SpareMemory&) = delete;
    SpareMemory& operator=(const SpareMemory&) = delete;
    ~SpareMemory() { clear(); }

    // Returns null if there is none of this size.
    void* take(std::size_t bytes) {
        const std::size_t bin = std::max<std::size_t>(1, (bytes + 7) / 16);
        if (bin >= kBins || bins_[bin].empty()) return nullptr;
        void* const block = bins_[bin].back();
        bins_[bin].pop_back();
        return block;
    }
    // Returns false if it is too large.
    bool keep(void* block) {
        const std::size_t room = malloc_usable_size(block);
        const std::size_t bin = (room - 8) / 16;
        if (bin >= kBins) return false;
        std::memset(block, kFilling, room);
        bins_[bin].push_back(block);
        return true;
    }
    void clear() {
        for (auto& bin : bins_) {
            for (void* const block : bin) std::free(block);
            bin.clear();
        }
    }

private:
    static constexpr std::size_t kBins = 64;
    static constexpr int kFilling = 0xdd;

    std::array<std::vector<void*>, kBins> bins_;
};

}  // namespace weft::model
