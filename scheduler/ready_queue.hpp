// ReadyQueue: the stealable ready work of one loop, first in, first out. A bounded ring that the owner fills and
// everybody empties, with a locked overflow list behind it for bursts; behind that the owner gathers what the overflow
// is to get, so that its lock is taken once for many.
//
// Invariant: an index in [head, tail) names a slot that nobody overwrites before head has passed it. While a part
// holds anything the owner pushes there or behind it, so that the order of arrival is kept across all of them.
//
//            head (CAS: owner and thieves)        tail (owner)
//              v                                    v
//    [ . . . . a b c d e f . . . ]  <- refill <-  ( g h i ... )  overflow, under its mutex  <-  ( j k ) owner's alone
//
// What the owner has alone is at most half a ring, behind a full one: a thief that comes during a long step of the owner
// finds the rest.
//
// Orderings
//   R1 tail: release in push, acquire in steal      the Runnable's contents reach the thief
//   R2 head: release CAS in steal, acquire in push  the thief has read a slot before the owner writes it again
//   R3 tail: seq_cst exchange in a push that makes  StoreLoad partner: Idle's word in Idle::notify (I1)
//      it more than one
//   R4 overflow size: seq_cst store, seq_cst load   the same, for a push that went to the overflow
//
// Rejected: a growing ring (reclamation, bug 16 of the catalogue); moving half of a full ring to a global queue as
// Go and tokio do (breaks the order of arrival); private batches before the ring (strand work behind a long step).
// Source: the shape is Go's runq (runtime/proc.go) and tokio's multi_thread/queue.rs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "scheduler/atomic.hpp"
#include "scheduler/fifo.hpp"

namespace weft::scheduler {

template <std::size_t kCapacity>
class BasicReadyQueue {
    static_assert(kCapacity >= 2 && (kCapacity & (kCapacity - 1)) == 0, "a power of two");

public:
    BasicReadyQueue() = default;
    BasicReadyQueue(const BasicReadyQueue&) = delete;
    BasicReadyQueue& operator=(const BasicReadyQueue&) = delete;

    // Thread: owner.
    void push(Runnable& runnable) {
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        const std::uint64_t size = tail - head_.load(std::memory_order_acquire);  // R2 acquire
        if (gathered_.empty() && overflow_size_.load(std::memory_order_relaxed) == 0 && size < kCapacity) {
            slots_[tail & kMask].store(&runnable, std::memory_order_relaxed);
            if (size == 0) {  // nobody sleeps less for a single one
                tail_.store(tail + 1, std::memory_order_release);  // R1 release
            } else {
                tail_.exchange(tail + 1, std::memory_order_seq_cst);  // R1 release, R3 seq_cst
            }
            return;
        }
        gathered_.push(runnable);
        if (size == 0 && overflow_size_.load(std::memory_order_relaxed) == 0) {
            fill_ring_from(gathered_);  // thieves have taken all that was before it
        } else if (gathered_.size() == kCapacity / 2) {
            give_to_overflow();
        }
    }

    // Thread: owner. Returns the oldest, or null.
    Runnable* pop() {
        std::uint64_t head = head_.load(std::memory_order_relaxed);
        for (;;) {
            if (head == tail_.load(std::memory_order_relaxed)) return refill();
            Runnable* oldest = slots_[head & kMask].load(std::memory_order_relaxed);
            // Relaxed: the owner wrote the slot itself and is the only one who will write it again.
            if (head_.compare_exchange_weak(head, head + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
                return oldest;
            }
        }
    }

    // Thread: any but this queue's owner; `into` is the caller's own queue. Takes the older half of the ring (or a
    // batch of the overflow), returns the oldest to be run at once and leaves the rest in `into`; null if nothing.
    Runnable* steal(BasicReadyQueue& into) {
        std::array<Runnable*, kCapacity / 2> batch;
        for (;;) {
            std::uint64_t head = head_.load(std::memory_order_acquire);
            const std::uint64_t tail = tail_.load(std::memory_order_acquire);  // R1 acquire
            const std::uint64_t available = tail - head;
            if (available == 0) return steal_overflow(into);
            if (available > kCapacity) continue;  // head was stale
            const std::uint64_t count = available - available / 2;
            for (std::uint64_t i = 0; i < count; ++i) {
                batch[i] = slots_[(head + i) & kMask].load(std::memory_order_relaxed);
            }
            if (head_.compare_exchange_weak(head, head + count, std::memory_order_release,  // R2 release
                                            std::memory_order_relaxed)) {
                for (std::uint64_t i = 1; i < count; ++i) into.push(*batch[i]);
                return batch[0];
            }
        }
    }

    // Thread: owner. True once after a pop that has made public what the owner had alone: nobody was told of it.
    [[nodiscard]] bool has_published() { return std::exchange(published_, false); }

    // Thread: owner.
    [[nodiscard]] std::size_t size() const { return public_size() + gathered_.size(); }
    [[nodiscard]] bool empty() const { return size() == 0; }

    // Thread: any. More than what the owner is going to run next anyway. With seq_cst loads, because a loop about to sleep
    // looks once more (I1). The overflow first: work moves from there into the ring, and what is gone from the one is
    // seen in the other.
    [[nodiscard]] bool has_spare() const { return public_size() > 1; }

    // Thread: any but the owner. A single one, which the owner has not come to for about a microsecond: it may take longer.
    [[nodiscard]] bool has_settled_single() const {
        const std::uint64_t head = head_.load(std::memory_order_acquire);
        if (tail_.load(std::memory_order_acquire) - head != 1) return false;
        for (int i = 0; i < kSettling; ++i) {
            spin_hint();
            if (head_.load(std::memory_order_relaxed) != head) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t kMask = kCapacity - 1;
    static constexpr int kSettling = 64;

    [[nodiscard]] std::size_t public_size() const {
        const std::size_t overflow = overflow_size_.load(std::memory_order_seq_cst);  // R4 seq_cst
        const std::uint64_t head = head_.load(std::memory_order_seq_cst);
        const std::uint64_t tail = tail_.load(std::memory_order_seq_cst);  // R3 seq_cst
        return overflow + static_cast<std::size_t>(tail - head);
    }

    void give_to_overflow() {
        const std::lock_guard lock(overflow_mutex_);
        overflow_.append(gathered_);
        overflow_size_.store(overflow_.size(), std::memory_order_seq_cst);  // R4 seq_cst
    }

    // The ring is empty: takes the oldest of what is behind it and moves some more into the ring.
    Runnable* refill() {
        if (overflow_size_.load(std::memory_order_relaxed) == 0) {
            Runnable* oldest = gathered_.pop();
            if (oldest != nullptr) fill_ring_from(gathered_);
            published_ = public_size() != 0;
            return oldest;
        }
        const std::lock_guard lock(overflow_mutex_);
        Runnable* oldest = overflow_.pop();
        if (oldest == nullptr) oldest = gathered_.pop();  // a thief was faster
        fill_ring_from(overflow_);
        overflow_size_.store(overflow_.size(), std::memory_order_seq_cst);  // R4 seq_cst
        return oldest;
    }

    // Thread: owner, the ring is empty.
    void fill_ring_from(Fifo& source) {
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        const std::uint64_t free = kCapacity - (tail - head_.load(std::memory_order_acquire));  // R2 acquire
        std::uint64_t moved = 0;
        while (moved < free && moved < kCapacity / 2) {
            Runnable* next = source.pop();
            if (next == nullptr) break;
            slots_[(tail + moved) & kMask].store(next, std::memory_order_relaxed);
            ++moved;
        }
        if (moved != 0) tail_.exchange(tail + moved, std::memory_order_seq_cst);  // R1 release, R3 seq_cst
    }

    Runnable* steal_overflow(BasicReadyQueue& into) {
        if (overflow_size_.load(std::memory_order_acquire) == 0) return nullptr;
        const std::lock_guard lock(overflow_mutex_);
        Runnable* oldest = overflow_.pop();
        if (oldest != nullptr && into.gathered_.empty() && into.overflow_size_.load(std::memory_order_relaxed) == 0) {
            into.fill_ring_from(overflow_);
        }
        overflow_size_.store(overflow_.size(), std::memory_order_seq_cst);  // R4 seq_cst
        return oldest;
    }

    // Owner and thieves meet on head_; tail_ is written by the owner alone: two cache lines.
    alignas(64) Atomic<std::uint64_t> head_{0};
    alignas(64) Atomic<std::uint64_t> tail_{0};
    Atomic<std::size_t> overflow_size_{0};
    Fifo gathered_;
    bool published_ = false;
    std::array<Atomic<Runnable*>, kCapacity> slots_{};
    Mutex overflow_mutex_;
    Fifo overflow_;
};

// 256 slots, as Go and tokio: a page's half, and a thief's batch of 128 stays on its stack.
using ReadyQueue = BasicReadyQueue<256>;

}  // namespace weft::scheduler
