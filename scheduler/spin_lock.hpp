// SpinLock: for sections of a few instructions that run no user code and mostly have no rival: one read-modify-write
// where a mutex takes two. Who meets a rival spins a little, then gives up its core: the holder may have lost its own.
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
    [[gnu::noinline]] void lock_behind_rival() noexcept {
        for (int tries = 1; held_.exchange(true, std::memory_order_acquire); ++tries) {  // S1
            spin_hint();
            if (tries % 64 == 0) std::this_thread::yield();
        }
    }

    LoneAtomic<bool> held_{false};
};

}  // namespace weft::scheduler
