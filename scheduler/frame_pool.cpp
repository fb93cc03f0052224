#include "scheduler/frame_pool.hpp"

namespace weft::scheduler {

namespace {
template <class Block, class Unpoison>
void free_chain(Block* block, Unpoison unpoison) noexcept {
    while (block != nullptr) {
        unpoison(block);
        Block* next = block->next;
        ::operator delete(block);
        block = next;
    }
}
}  // namespace

FramePool::~FramePool() {
    for (std::size_t c = 0; c < kClasses; ++c) {
        free_chain(shelves_[c].top, [c](Block* block) { unpoison(block, c); });
    }
}

bool FramePool::refill(std::size_t c) {
    Block* batch = depot_.take(c);
    if (batch == nullptr) return false;
    shelves_[c] = Shelf{batch, kBatch};
    return true;
}

void FramePool::spill(std::size_t c) noexcept { depot_.give(c, take_batch(c)); }

FramePool::Block* FramePool::take_batch(std::size_t c) noexcept {
    Shelf& shelf = shelves_[c];
    Block* first = shelf.top;
    Block* last = first;
    unpoison(last, c);
    for (std::size_t i = 1; i < kBatch; ++i) {
        Block* next = last->next;
        poison(last, c);
        last = next;
        unpoison(last, c);
    }
    shelf.top = last->next;
    shelf.count -= kBatch;
    last->next = nullptr;
    poison(last, c);
    return first;
}

FrameDepot::~FrameDepot() {
    for (std::size_t c = 0; c < FramePool::kClasses; ++c) {
        for (FramePool::Block* batch : batches_[c]) {
            free_chain(batch, [c](FramePool::Block* block) { FramePool::unpoison(block, c); });
        }
    }
}

void FrameDepot::give(std::size_t c, FramePool::Block* batch) noexcept {
    const std::size_t bytes = FramePool::block_size(c) * FramePool::kBatch;
    try {
        const std::lock_guard lock(mutex_);
        if (bytes_ + bytes <= kBytesKept) {
            batches_[c].push_back(batch);
            counts_[c].store(batches_[c].size(), std::memory_order_relaxed);
            bytes_ += bytes;
            return;
        }
    } catch (const std::bad_alloc&) {
        // Nowhere to note the batch: give it back below.
    }
    free_chain(batch, [c](FramePool::Block* block) { FramePool::unpoison(block, c); });
}

FramePool::Block* FrameDepot::take(std::size_t c) noexcept {
    if (counts_[c].load(std::memory_order_relaxed) == 0) return nullptr;
    const std::lock_guard lock(mutex_);
    if (batches_[c].empty()) return nullptr;
    FramePool::Block* batch = batches_[c].back();
    batches_[c].pop_back();
    counts_[c].store(batches_[c].size(), std::memory_order_relaxed);
    bytes_ -= FramePool::block_size(c) * FramePool::kBatch;
    return batch;
}

}  // namespace weft::scheduler
