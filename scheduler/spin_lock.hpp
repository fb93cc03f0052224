// SpinLock: for sections of a few instructions that run no user code and mostly have no rival: one read-modify-write
// where a mutex takes two. Who meets a rival stays away for a while, looks, and gives up its core: the holder may have
// lost its own. A rival on another core then has the lines of what the lock guards to itself for several sections in a row,
// where one that asks again and again would take them away in the middle of each (docs/performance.md).
//
// Orderings
//   S1 held: acquire exchange in lock, release store in unlock    what one holder wrote reaches the next
#pragma once

#include <thread>

#include "scheduler/atomic.hpp"

namespace weft::scheduler {

class SpinLock {
public:
    SpinLock() = default;
    SpinLock(const SpinLock&) = delete;
    SpinLock& operator=(const SpinLock&) = delete;

    void lock() noexcept {
        if (held_.exchange(true, std::memory_order_acquire)) [[unlikely]]  // S1
            lock_behind_rival();
    }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }  // S1

private:
    static constexpr int kPauses = 16;

    [[gnu::noinline]] void lock_behind_rival() noexcept {
        for (;;) {
            for (int i = 0; i < kPauses; ++i) spin_hint();
            if (!held_.load(std::memory_order_relaxed) && !held_.exchange(true, std::memory_order_acquire))  // S1
                return;
            std::this_thread::yield();
        }
    }

    LoneAtomic<bool> held_{false};
};

}  // namespace weft::scheduler
