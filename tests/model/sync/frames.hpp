// Frames: whether what was made on a loop has come back to one of them: a PooledFrame that nobody destroys never does.
#pragma once

#include <array>
#include <cstddef>

#include "tests/model/loops.hpp"

namespace weft::model {

// True if one of the loops has the block, which was made and destroyed by code of loops: nobody uses it any more.
inline bool came_back(const Loops& loops, std::size_t count, const void* block, std::size_t size) {
    constexpr std::size_t kDeep = 8;
    bool found = false;
    for (std::size_t i = 0; i < count; ++i) {
        std::array<void*, kDeep> taken{};
        for (void*& each : taken) {
            each = loops[i].frames().allocate(size);
            found |= each == block;
        }
        for (void* const each : taken) loops[i].frames().deallocate(each, size);
    }
    return found;
}

}  // namespace weft::model
