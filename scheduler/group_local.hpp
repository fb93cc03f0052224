// GroupLocal: a typed slot in every group of loops, in which an upper room keeps what all of them share (the default
// executor) without scheduler/ knowing of it. Made on first use as T(group), by whichever loop comes first; destroyed
// with the group, in reverse order: after all its loops have closed.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "scheduler/atomic.hpp"
#include "scheduler/loop_local.hpp"

namespace weft::scheduler {

class Neighbours;

// The slots of one group. Thread: any that keeps the group alive.
class GroupSlots {
public:
    [[nodiscard]] void* find(std::size_t id) const { return slots_.find(id); }

    // Returns `value`, then owned; or what another thread had put there first.
    void* put_first(std::size_t id, void* value, void (*destroy)(void*)) {
        const std::lock_guard lock(mutex_);
        if (void* earlier = slots_.find(id)) return earlier;
        slots_.put(id, value, destroy);
        return value;
    }

private:
    Mutex mutex_;
    LoopSlots slots_;
};

template <class T>
class GroupLocal {
public:
    // Returns this group's T, made now if need be.
    template <class AnyGroup = Neighbours>
    [[nodiscard]] static T& of(AnyGroup& group) {
        GroupSlots& slots = group.slots();
        if (void* value = slots.find(id_.get())) return *static_cast<T*>(value);
        auto made = std::make_unique<T>(group);
        void* kept = slots.put_first(id_.get(), made.get(), [](void* value) { delete static_cast<T*>(value); });
        if (kept == made.get()) (void)made.release();
        return *static_cast<T*>(kept);
    }

private:
    static inline constinit LoopSlots::Id id_;
};

}  // namespace weft::scheduler
