#include "sync/task_slots.hpp"

#include <new>

namespace weft::sync {

void TaskSlots::turn_page() {
    std::size_t following = chunk_ + 1;
    if (following >= count_) {  // a lap is over
        following = 0;
        if (4 * full_ >= 3 * size_) {
            if (auto* slots = new (std::nothrow) TaskSlot[size_of(count_)]) {
                chunks_[count_].store(slots, std::memory_order_release);  // S4
                following = count_++;
                size_ += size_of(following);
            } else if (full_ == size_) {
                full_ = 0;
                throw std::bad_alloc();
            }
        }
        full_ = 0;
    }
    chunk_ = following;
    next_ = chunks_[chunk_].load(std::memory_order_relaxed);
    end_ = next_ + size_of(chunk_);
}

}  // namespace weft::sync
