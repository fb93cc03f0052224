#include "scheduler/loop_local.hpp"

#include <algorithm>
#include <stdexcept>

namespace weft::scheduler {

void LoopSlots::put(std::size_t id, void* value, void (*destroy)(void*)) {
    if (id > kMost) throw std::length_error("a program may have 64 types of LoopLocal");
    order_.push_back({id, destroy});
    values_[id].store(value, std::memory_order_release);  // G1
}

void LoopSlots::clear() {
    while (!order_.empty()) {
        const Made made = order_.back();
        order_.pop_back();  // first: the destructor may make another slot, which then is the last
        made.destroy(find(made.id));
        values_[made.id].store(nullptr, std::memory_order_relaxed);
    }
}

std::size_t LoopSlots::Id::assign() {
    static Atomic<std::size_t> ids{0};
    std::size_t id = std::min(ids.fetch_add(1, std::memory_order_relaxed) + 1, kNone);
    std::size_t earlier = 0;
    if (!id_.compare_exchange_strong(earlier, id, std::memory_order_relaxed, std::memory_order_relaxed)) id = earlier;
    return id;
}

}  // namespace weft::scheduler
