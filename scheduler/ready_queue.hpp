// ReadyQueue: the stealable ready work of one loop, first in, first out. A bounded ring that the owner fills and
// everybody empties, with a locked overflow of blocks behind it for bursts; behind that the owner gathers the next block.
//
// Invariant: an index in [head, tail) names a slot that nobody overwrites before head has passed it. While a part
// holds anything the owner pushes there or behind it, so that the order of arrival is kept across all of them.
//
//            head (CAS: owner and thieves)        tail (owner)
//              v                                    v
//    [ . . . . a b c d e f . . . ]  <- refill <-  ( [g h] [i j] ... )  overflow, under its lock  <-  ( k ) owner's alone
//
// A block is half a ring of addresses: who takes one reads nothing that another core has written but them. What the owner
// has alone is less than a block, and came when the ring was full: at most 127 wait for the end of a long step.
// (Unless there is no memory for a block: then the owner keeps what it has gathered.)
//
// Orderings
//   R1 tail: release in push and where the ring     the Runnable's contents reach the thief
//      is filled, acquire in steal
//   R2 head: release CAS in steal,                  the thief has read a slot before the owner writes it again
//      acquire in push and where the ring is filled
//   R3 tail: seq_cst store in a push that makes     StoreLoad partner: Idle's word in Idle::notify (I1)
//      it more than one, seq_cst load
//   R4 overflow size: seq_cst store, seq_cst load   the same, for a push that went to the overflow
//   R5 overflow size: release store when a block    who sees that it is gone sees it in the ring
//      is counted off, acquire load (seq_cst for R4)
//   All else is relaxed. Who reads an old head takes the ring for fuller than it is: a thief's CAS fails then.
//
// Rejected: a growing ring (reclamation, bug 16 of the catalogue); a linked overflow (a thief waits for the cache line of
// each Runnable to find the next one); moving half of a full ring to a global queue as
// Go and tokio do (breaks the order of arrival); private batches before the ring (strand work behind a long step).
// Source: the shape is Go's runq (runtime/proc.go) and tokio's multi_thread/queue.rs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "scheduler/atomic.hpp"
#include "scheduler/fifo.hpp"
#include "scheduler/spin_lock.hpp"

namespace weft::scheduler {

template <std::size_t kCapacity>
class BasicReadyQueue {
    static_assert(kCapacity >= 2 && (kCapacity & (kCapacity - 1)) == 0, "a power of two");

public:
    BasicReadyQueue() = default;
    BasicReadyQueue(const BasicReadyQueue&) = delete;
    BasicReadyQueue& operator=(const BasicReadyQueue&) = delete;
    ~BasicReadyQueue() {
        while (pop_block() != nullptr) {
        }
    }

    // Thread: owner.
    void push(Runnable& runnable) {
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        const std::uint64_t size = tail - head_.load(std::memory_order_acquire);  // R2 acquire
        if (gathered_.empty() && overflow_size_.load(std::memory_order_relaxed) == 0 && size < kCapacity) {
            slots_[tail & kMask].store(&runnable, std::memory_order_relaxed);
            if (size == 0) {  // nobody sleeps less for a single one
                tail_.store(tail + 1, std::memory_order_release);  // R1 release
            } else {
                tail_.store(tail + 1, std::memory_order_seq_cst);  // R1 release, R3 seq_cst
            }
            return;
        }
        gathered_.push(runnable);
        if (size == 0 && overflow_size_.load(std::memory_order_relaxed) == 0) {
            fill_ring_from_gathered();  // thieves have taken all that was before it
        } else if (gathered_.size() >= kBlock) {
            give_to_overflow();
        }
    }

    // Thread: owner. Returns the oldest, or null.
    Runnable* pop() {
        std::uint64_t head = head_.load(std::memory_order_relaxed);
        for (;;) {
            if (head == tail_.load(std::memory_order_relaxed)) return refill();
            Runnable* oldest = slots_[head & kMask].load(std::memory_order_relaxed);
            fetch_ahead(slots_[(head + 2) & kMask].load(std::memory_order_relaxed));
            // Relaxed: the owner wrote the slot itself and is the only one who will write it again.
            if (head_.compare_exchange_weak(head, head + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
                return oldest;
            }
        }
    }

    // Thread: any but this queue's owner; `into` is the caller's own queue. Takes the older half of the ring (or a
    // block of the overflow), returns the oldest to be run at once and leaves the rest in `into`; null if nothing.
    Runnable* steal(BasicReadyQueue& into) {
        std::array<Runnable*, kBlock> batch;
        for (;;) {
            std::uint64_t head = head_.load(std::memory_order_relaxed);
            const std::uint64_t tail = tail_.load(std::memory_order_acquire);  // R1 acquire
            const std::uint64_t available = tail - head;
            if (available == 0) return steal_overflow(into);
            if (available > kCapacity) continue;  // one of them was old
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
    // seen in the other (R5). An old head only makes it seem more.
    [[nodiscard]] bool has_spare() const { return public_size() > 1; }

    // Thread: any but the owner. A single one, which the owner has not come to for about a microsecond: it may take longer.
    [[nodiscard]] bool has_settled_single() const {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        if (tail_.load(std::memory_order_relaxed) - head != 1) return false;
        for (int i = 0; i < kSettling; ++i) {
            spin_hint();
            if (head_.load(std::memory_order_relaxed) != head) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t kMask = kCapacity - 1;
    static constexpr std::size_t kBlock = kCapacity / 2;
    static constexpr int kSettling = 64;

    [[nodiscard]] std::size_t public_size() const {
        const std::size_t overflow = overflow_size_.load(std::memory_order_seq_cst);  // R4 seq_cst, R5 acquire
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        const std::uint64_t tail = tail_.load(std::memory_order_seq_cst);  // R3 seq_cst
        return overflow + static_cast<std::size_t>(tail - head);
    }

    // Behind the ring: of what the owner has gathered, kBlock at a time.
    struct Block {
        Block* next = nullptr;
        std::array<Runnable*, kBlock> runnables;
    };

    // What another core has made takes as long to fetch as a short task to run. (A slot beyond the tail names what was
    // run before, or nothing: that harms nobody.)
    static void fetch_ahead(const Runnable* runnable) {
        fetch_to_write(runnable, 0);
        fetch_to_write(runnable, 64);
    }

    void give_to_overflow() {
        auto* block = new (std::nothrow) Block;
        if (block == nullptr) return;
        for (Runnable*& runnable : block->runnables) runnable = gathered_.pop();
        const std::lock_guard lock(overflow_lock_);
        *overflow_end_ = block;
        overflow_end_ = &block->next;
        overflow_size_.store(overflow_size_.load(std::memory_order_relaxed) + kBlock,
                             std::memory_order_seq_cst);  // R4 seq_cst
    }

    // Under the lock. The caller counts it off once its contents are to be seen elsewhere.
    [[nodiscard]] std::unique_ptr<Block> pop_block() {
        std::unique_ptr<Block> block(overflow_);
        if (block == nullptr) return nullptr;
        overflow_ = block->next;
        if (overflow_ == nullptr) overflow_end_ = &overflow_;
        return block;
    }
    void count_off_block() {
        overflow_size_.store(overflow_size_.load(std::memory_order_relaxed) - kBlock,
                             std::memory_order_release);  // R5 release
    }

    // The ring is empty: takes the oldest of what is behind it and moves some more into the ring.
    Runnable* refill() {
        std::unique_ptr<Block> block;  // goes when the lock is free
        if (overflow_size_.load(std::memory_order_relaxed) != 0) {
            const std::lock_guard lock(overflow_lock_);
            block = pop_block();
            if (block != nullptr) {
                const std::uint64_t tail = fill_ring(
                    [&block, i = std::size_t{1}]() mutable { return i == kBlock ? nullptr : block->runnables[i++]; });
                tail_.store(tail, std::memory_order_release);  // R1 release, R5
                count_off_block();
                return block->runnables[0];
            }
        }
        Runnable* oldest = gathered_.pop();
        if (!gathered_.empty()) fill_ring_from_gathered();
        published_ = public_size() != 0;
        return oldest;
    }

    // Thread: owner; the ring is empty, and nothing is between it and the source. Returns the tail to be published.
    template <class Next>
    [[nodiscard]] std::uint64_t fill_ring(Next next) {
        std::uint64_t tail = head_.load(std::memory_order_acquire);  // R2 acquire
        for (std::size_t room = kBlock; room != 0; --room) {
            Runnable* runnable = next();
            if (runnable == nullptr) break;
            slots_[tail++ & kMask].store(runnable, std::memory_order_relaxed);
        }
        return tail;
    }
    void fill_ring_from_gathered() {
        const std::uint64_t tail = fill_ring([this] { return gathered_.pop(); });
        tail_.store(tail, std::memory_order_seq_cst);  // R1 release, R3 seq_cst
    }

    Runnable* steal_overflow(BasicReadyQueue& into) {
        if (overflow_size_.load(std::memory_order_relaxed) == 0) return nullptr;
        std::unique_ptr<Block> block;
        {
            const std::lock_guard lock(overflow_lock_);
            block = pop_block();
            if (block == nullptr) return nullptr;
            count_off_block();
        }
        for (std::size_t i = 1; i != kBlock; ++i) into.push(*block->runnables[i]);
        return block->runnables[0];
    }

    // Owner and thieves meet on head_; tail_ is written by the owner alone: two cache lines.
    alignas(64) Atomic<std::uint64_t> head_{0};
    alignas(64) Atomic<std::uint64_t> tail_{0};
    Atomic<std::size_t> overflow_size_{0};
    Fifo gathered_;
    bool published_ = false;
    AtomicArray<Runnable*, kCapacity> slots_{};
    SpinLock overflow_lock_;
    Block* overflow_ = nullptr;  // the oldest
    Block** overflow_end_ = &overflow_;
};

// 256 slots, as Go and tokio: a page's half, and a thief's batch of 128 stays on its stack.
using ReadyQueue = BasicReadyQueue<256>;

}  // namespace weft::scheduler
