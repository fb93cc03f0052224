// LoopLocal: a typed slot in every loop, in which an upper room keeps what it needs per loop (the reactor, the task
// list) without scheduler/ knowing of it. Made on first use as T(loop), destroyed with the loop in reverse order.
//
// Invariant: only the loop's owner makes slots. Its neighbours may look into them meanwhile (a task is listed with the
// loop that it is pinned to, whoever creates it), so the table never moves and each entry is an atomic pointer.
//
// Orderings
//   G1 value: release store in put, acquire load in find   a neighbour finds a complete T
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "scheduler/atomic.hpp"

namespace weft::scheduler {

class Loop;

// The slots of one loop. Thread: owner; find also its neighbours.
class LoopSlots {
public:
    LoopSlots() = default;
    LoopSlots(const LoopSlots&) = delete;
    LoopSlots& operator=(const LoopSlots&) = delete;
    ~LoopSlots() { clear(); }

    // Types of LoopLocal in one program; the library has a handful.
    static constexpr std::size_t kMost = 64;

    [[nodiscard]] void* find(std::size_t id) const { return values_[id].load(std::memory_order_acquire); }  // G1

    // Throws std::length_error for the 65th type.
    void put(std::size_t id, void* value, void (*destroy)(void*));

    void clear();

    // A type's number, from 1 to kMost; kNone for those that come too late. Thread: any.
    class Id {
    public:
        [[nodiscard]] std::size_t get() {
            const std::size_t id = id_.load(std::memory_order_relaxed);
            return id != 0 ? id : assign();
        }

    private:
        std::size_t assign();

        Atomic<std::size_t> id_{0};
    };

private:
    struct Made {
        std::size_t id;
        void (*destroy)(void*);
    };
    static constexpr std::size_t kNone = kMost + 1;

    AtomicArray<void*, kNone + 1> values_{};  // that of kNone stays null
    std::vector<Made> order_;
};

template <class T>
class LoopLocal {
public:
    // Returns this loop's T, made now if need be.
    template <class AnyLoop = Loop>
    [[nodiscard]] static T& of(AnyLoop& loop) {
        if (void* value = loop.slots().find(id_.get())) [[likely]]
            return *static_cast<T*>(value);
        return make(loop);
    }

    // Returns null if it was not made yet. Thread: any of the loop's group.
    template <class AnyLoop = Loop>
    [[nodiscard]] static T* find(AnyLoop& loop) {
        return static_cast<T*>(loop.slots().find(id_.get()));
    }

private:
    template <class AnyLoop>
    [[gnu::noinline]] static T& make(AnyLoop& loop) {
        auto made = std::make_unique<T>(loop);
        loop.slots().put(id_.get(), made.get(), [](void* value) { delete static_cast<T*>(value); });
        return *made.release();
    }

    static inline constinit LoopSlots::Id id_;
};

}  // namespace weft::scheduler
