// Memory for coroutine frames and states: from the running loop's pool; by malloc, in the same sizes, off the loops.
#pragma once

#include <cstddef>
#include <new>

#include "scheduler/loop.hpp"

namespace weft::scheduler {

inline void* allocate_frame(std::size_t size) {
    if (Loop* loop = current_loop()) [[likely]]
        return loop->frames().allocate(size);
    // Rounded up, because a pool may get it later.
    using Pool = FramePool;
    const std::size_t c = Pool::class_of(size);
    return ::operator new(c < Pool::kClasses ? Pool::block_size(c) : size);
}

inline void deallocate_frame(void* memory, std::size_t size) noexcept {
    if (Loop* loop = current_loop()) [[likely]]
        return loop->frames().deallocate(memory, size);
    ::operator delete(memory);
}

// Base of what is allocated like a frame.
struct PooledFrame {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { deallocate_frame(memory, size); }
    // Blocks of the pool are aligned to 16.
    static void* operator new(std::size_t size, std::align_val_t alignment) { return ::operator new(size, alignment); }
    static void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
        ::operator delete(memory, alignment);
    }
};

// The same memory as a standard allocator.
template <class T>
struct FrameAllocator {
    using value_type = T;

    FrameAllocator() = default;
    template <class U>
    FrameAllocator(const FrameAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(allocate_frame(n * sizeof(T))); }
    void deallocate(T* memory, std::size_t n) noexcept { deallocate_frame(memory, n * sizeof(T)); }

    friend bool operator==(const FrameAllocator&, const FrameAllocator&) noexcept { return true; }
};

}  // namespace weft::scheduler
