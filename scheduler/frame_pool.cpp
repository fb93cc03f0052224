#include "scheduler/frame_pool.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace weft::scheduler {

FramePool::~FramePool() {
    for (std::size_t c = 0; c < kClasses; ++c) {
        Shelf& shelf = shelves_[c];
        while (shelf.count != 0) free(blocks_[c][--shelf.count], c);
    }
}

// The shelf is empty, or its newest block comes from the depot.
void* FramePool::allocate_from_afar(std::size_t c) {
    Shelf& shelf = shelves_[c];
    if (shelf.count == 0 && !refill(c)) return ::operator new(block_size(c));
    void* block = blocks_[c][--shelf.count];
    if (shelf.count < shelf.foreign) {
        fetch_ahead(c);
        shelf.foreign = shelf.count;  // the next ones to lie above are this loop's
    }
    unpoison(block, c);
    return block;
}

void FramePool::deallocate_to_full(void* memory, std::size_t c) noexcept {
    spill(c);
    deallocate(memory, block_size(c));
}

bool FramePool::refill(std::size_t c) {
    Shelf& shelf = shelves_[c];
    if (!depot_.take(c, blocks_[c].data())) return false;
    shelf.count = kBatch;
    shelf.foreign = single_threaded() ? 0 : kBatch;
    return true;
}

void FramePool::fetch_ahead(std::size_t c) const noexcept {
    const Shelf& shelf = shelves_[c];
    if (shelf.count < 2) return;
    const void* const block = blocks_[c][shelf.count - 2];
    for (std::size_t line = 0; line < block_size(c); line += 64) fetch_to_write(block, line);
}

void FramePool::spill(std::size_t c) noexcept {
    Shelf& shelf = shelves_[c];
    shelf.count -= kBatch;
    depot_.give(c, &blocks_[c][shelf.count]);
}

FrameDepot::~FrameDepot() {
    for (std::size_t c = 0; c < FramePool::kClasses; ++c) {
        Batch* batch = piles_[c].top.load(std::memory_order_relaxed);
        while (batch != nullptr) {
            for (void* block : batch->blocks) FramePool::free(block, c);
            delete std::exchange(batch, batch->next);
        }
    }
}

void FrameDepot::give(std::size_t c, void* const* blocks) noexcept {
    const std::size_t bytes = FramePool::block_size(c) * FramePool::kBatch;
    const bool room = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_kept_;
    Batch* const batch = room ? new (std::nothrow) Batch : nullptr;
    if (batch == nullptr) {
        bytes_.fetch_sub(bytes, std::memory_order_relaxed);
        for (std::size_t i = 0; i < FramePool::kBatch; ++i) FramePool::free(blocks[i], c);
        return;
    }
    std::copy_n(blocks, FramePool::kBatch, batch->blocks.begin());
    Pile& pile = piles_[c];
    const std::lock_guard lock(pile.lock);
    batch->next = pile.top.load(std::memory_order_relaxed);
    pile.top.store(batch, std::memory_order_relaxed);
}

bool FrameDepot::take(std::size_t c, void** blocks) noexcept {
    Pile& pile = piles_[c];
    if (pile.top.load(std::memory_order_relaxed) == nullptr) return false;
    std::unique_ptr<Batch> batch;
    {
        const std::lock_guard lock(pile.lock);
        batch.reset(pile.top.load(std::memory_order_relaxed));
        if (batch == nullptr) return false;
        pile.top.store(batch->next, std::memory_order_relaxed);
    }
    bytes_.fetch_sub(FramePool::block_size(c) * FramePool::kBatch, std::memory_order_relaxed);
    std::copy_n(batch->blocks.begin(), FramePool::kBatch, blocks);
    return true;
}

}  // namespace weft::scheduler
