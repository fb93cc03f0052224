// LoopLocal: a typed slot in every loop, in which an upper room keeps what it needs per loop (the reactor, the task
// list) without scheduler/ knowing of it. Made on first use as T(loop), destroyed with the loop in reverse order.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "scheduler/atomic.hpp"

namespace weft::scheduler {

class Loop;

// The slots of one loop. Thread: owner.
class LoopSlots {
public:
    LoopSlots() = default;
    LoopSlots(const LoopSlots&) = delete;
    LoopSlots& operator=(const LoopSlots&) = delete;
    ~LoopSlots() { clear(); }

    [[nodiscard]] void* find(std::size_t id) const { return id < values_.size() ? values_[id] : nullptr; }

    void put(std::size_t id, void* value, void (*destroy)(void*)) {
        if (id >= values_.size()) values_.resize(id + 1, nullptr);
        order_.push_back({id, destroy});
        values_[id] = value;
    }

    void clear() {
        while (!order_.empty()) {
            const Made made = order_.back();
            order_.pop_back();  // first: the destructor may make another slot, which then is the last
            made.destroy(values_[made.id]);
            values_[made.id] = nullptr;
        }
    }

    [[nodiscard]] static std::size_t next_id() {
        static Atomic<std::size_t> ids{0};
        return ids.fetch_add(1, std::memory_order_relaxed);
    }

private:
    struct Made {
        std::size_t id;
        void (*destroy)(void*);
    };
    std::vector<void*> values_;
    std::vector<Made> order_;
};

template <class T>
class LoopLocal {
public:
    // Returns this loop's T, made now if need be.
    template <class AnyLoop = Loop>
    [[nodiscard]] static T& of(AnyLoop& loop) {
        LoopSlots& slots = loop.slots();
        if (void* value = slots.find(id())) return *static_cast<T*>(value);
        auto made = std::make_unique<T>(loop);
        slots.put(id(), made.get(), [](void* value) { delete static_cast<T*>(value); });
        return *made.release();
    }

private:
    static std::size_t id() {
        static const std::size_t id = LoopSlots::next_id();
        return id;
    }
};

}  // namespace weft::scheduler
