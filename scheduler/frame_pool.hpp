// FramePool: recycled memory for coroutine frames and task states, one pool per loop; FrameDepot: where the loops of
// one runtime hand each other their surplus.
//
// Invariant: every block is malloc'ed by itself with the size of its class, so that any pool, the depot or free() may
// take it back, whoever gave it. A pool keeps at most kBlocksKept of a class; a loop that only ever frees (it runs
// what another one creates) hands batches to the depot, where the creating loop finds them.
//
// A shelf is an array of addresses: a block that another core had last is written when it is given, but not read. Blocks
// in a pool are poisoned under AddressSanitizer: a frame used after its end is reported like any other.
// Rejected: carving pages (memory that never returns); malloc alone (9 to 18 ns where this costs 4); a list through the
// blocks (each one waits for the line of the one before: a task on two loops took 60 ns more).
// Source: Bonwick and Adams, Magazines and Vmem (2001).
#pragma once

#include <array>
#include <cstddef>
#include <new>

#include "scheduler/atomic.hpp"
#include "scheduler/spin_lock.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_POISONS_FRAMES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_POISONS_FRAMES 1
#endif
#endif
#ifdef WEFT_POISONS_FRAMES
#include <sanitizer/asan_interface.h>
#endif

namespace weft::scheduler {

class FrameDepot;

class FramePool {
public:
    explicit FramePool(FrameDepot& depot) : depot_(depot) {}
    FramePool(const FramePool&) = delete;
    FramePool& operator=(const FramePool&) = delete;
    ~FramePool();

    static constexpr std::size_t kGranule = 16;
    static constexpr std::size_t kHeader = 8;  // glibc's: with it a block fills its granules
    static constexpr std::size_t kClasses = 64;  // up to 1 KiB; larger blocks go to malloc
    static constexpr std::size_t kBatch = 64;
    static constexpr std::size_t kBlocksKept = 4 * kBatch;

    [[nodiscard]] static constexpr std::size_t class_of(std::size_t size) {
        return (size + kHeader + kGranule - 1) / kGranule;
    }
    [[nodiscard]] static constexpr std::size_t block_size(std::size_t c) { return c * kGranule - kHeader; }

    // Thread: owner.
    [[nodiscard]] void* allocate(std::size_t size) {
        const std::size_t c = class_of(size);
        if (c >= kClasses) [[unlikely]]
            return ::operator new(size);
        Shelf& shelf = shelves_[c];
        if (shelf.count <= shelf.foreign) [[unlikely]]
            return allocate_from_afar(c);
        void* block = blocks_[c][--shelf.count];
        unpoison(block, c);
        return block;
    }

    // Thread: owner. `size` is what was asked for.
    void deallocate(void* memory, std::size_t size) noexcept {
        const std::size_t c = class_of(size);
        if (c >= kClasses) [[unlikely]]
            return ::operator delete(memory);
        Shelf& shelf = shelves_[c];
        if (shelf.count == kBlocksKept) [[unlikely]]
            return deallocate_to_full(memory, c);
        blocks_[c][shelf.count++] = memory;
        poison(memory, c);
    }

private:
    friend class FrameDepot;
    struct Shelf {
        std::size_t count = 0;
        std::size_t foreign = 0;  // the lowest, at most so many, came from the depot
    };

    static void poison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t c) {
#ifdef WEFT_POISONS_FRAMES
        __asan_poison_memory_region(block, block_size(c));
#endif
    }
    static void unpoison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t c) {
#ifdef WEFT_POISONS_FRAMES
        __asan_unpoison_memory_region(block, block_size(c));
#endif
    }
    static void free(void* block, std::size_t c) noexcept {
        unpoison(block, c);
        ::operator delete(block);
    }

    // What the two above leave aside, so that they call nothing and save no registers.
    [[nodiscard]] void* allocate_from_afar(std::size_t c);
    void deallocate_to_full(void* memory, std::size_t c) noexcept;
    // Asks for the lines of the block after next: another core has had it.
    void fetch_ahead(std::size_t c) const noexcept;
    [[nodiscard]] bool refill(std::size_t c);
    void spill(std::size_t c) noexcept;

    std::array<Shelf, kClasses> shelves_;
    // Apart, and not initialised: a page of classes that nobody asks for is never touched.
    std::array<std::array<void*, kBlocksKept>, kClasses> blocks_;
    FrameDepot& depot_;
};

// Thread: any.
class FrameDepot {
public:
    // A burst of a million tasks finds its memory again; what exceeds this goes back to malloc.
    static constexpr std::size_t kBytesKept = std::size_t{256} << 20;

    explicit FrameDepot(std::size_t bytes_kept = kBytesKept) : bytes_kept_(bytes_kept) {}
    FrameDepot(const FrameDepot&) = delete;
    FrameDepot& operator=(const FrameDepot&) = delete;
    ~FrameDepot();

    // Takes kBatch blocks from `blocks`, or frees them.
    void give(std::size_t c, void* const* blocks) noexcept;

    // Writes kBatch blocks to `blocks`. Returns false if there are none.
    [[nodiscard]] bool take(std::size_t c, void** blocks) noexcept;

private:
    struct Batch {
        Batch* next;
        std::array<void*, FramePool::kBatch> blocks;
    };
    struct Pile {
        SpinLock lock;
        Atomic<Batch*> top{nullptr};  // changed under the lock; looked at before it is taken
    };

    std::array<Pile, FramePool::kClasses> piles_;
    const std::size_t bytes_kept_;
    Atomic<std::size_t> bytes_{0};
};

}  // namespace weft::scheduler
