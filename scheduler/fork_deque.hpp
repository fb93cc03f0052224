// ForkDeque: the branches of one loop. The owner works at the bottom, last in, first out, on a part that is private
// and costs plain loads and stores; only when a thief has said that it is hungry does the owner make the older half
// public, and only there do owner and thieves meet in a compare-exchange.
//
// Invariant: top <= split <= bottom. [top, split) is public: an item leaves it once, by the CAS of one thief (top + 1)
// or of the owner (split - 1). [split, bottom) is private to the owner.
//
//      top            split            bottom
//       v               v                v
//     [ a   b   c   d | e   f   g   h  ]        public word = { tag : 32 | top : 16 | split : 16 }
//       thieves -->       <-- owner
//
// The tag changes with every write of the owner. Without it a thief that read {top, split} and the slot, and then
// slept while the owner took everything back and published something new at the same indices, would win its CAS
// with a dead pointer (ABA). A thief would have to sleep for 2^32 publications for the tag to come round.
//
// Orderings
//   D1 word: release CAS in promote, acquire in steal    the branch's contents and its slot reach the thief
//   D2 word: release CAS in steal, acquire in push/full  the thief has read a slot before the owner writes it again
//   D3 hungry: relaxed on both sides                     a hint: it publishes nothing, and coherence delivers it;
//                                                        after a promotion Idle::notify is called (I1)
//   D4 word: seq_cst in promote and in empty             StoreLoad partner: Idle's word (I1)
//
// Rejected: Chase-Lev (a StoreLoad barrier at each pop: 5 ns, 20 ns as mfence); promotion on a heartbeat (needs a
// timer signal); growing (bounded, and a full deque tells the caller to run the branch itself).
// Source: Lace (van Dijk, van de Pol 2014), heartbeat scheduling (Acar et al. 2018), prototypes of this project.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "scheduler/atomic.hpp"
#include "scheduler/runnable.hpp"

namespace weft::scheduler {

template <std::size_t kCapacity>
class BasicForkDeque {
    static_assert(kCapacity >= 2 && (kCapacity & (kCapacity - 1)) == 0 && kCapacity <= 32768,
                  "a power of two that 16-bit indices can tell apart");

public:
    enum class [[nodiscard]] Push : std::uint8_t {
        kept,      // private
        promoted,  // some of the deque became public: wake a thief
        full,      // not pushed: the caller keeps the branch
    };

    BasicForkDeque() = default;
    BasicForkDeque(const BasicForkDeque&) = delete;
    BasicForkDeque& operator=(const BasicForkDeque&) = delete;

    // Thread: owner.
    Push push(Runnable& branch) {
        if (static_cast<Index>(bottom_ - limit_base_) >= kCapacity) [[unlikely]] {
            if (!has_room()) return Push::full;
        }
        slots_[bottom_ & kMask].store(&branch, std::memory_order_relaxed);
        ++bottom_;
        if (hungry_.load(std::memory_order_relaxed)) [[unlikely]]
            return promote();  // D3
        return Push::kept;
    }

    // Thread: owner. Takes `branch` if it is the newest, wherever it lies; false if it was stolen or something else
    // lies on top (the caller may have been suspended and have moved to another loop).
    [[nodiscard]] bool pop_if(const Runnable& branch) {
        if (bottom_ != split_) return pop_private_if(branch);
        return take_back(&branch) != nullptr;
    }

    // Thread: owner. Takes `branch` if it is the newest and private.
    [[nodiscard]] bool pop_private_if(const Runnable& branch) {
        const auto newest = static_cast<Index>(bottom_ - 1);
        if (bottom_ == split_ || slots_[newest & kMask].load(std::memory_order_relaxed) != &branch) return false;
        bottom_ = newest;
        return true;
    }

    // Thread: owner. Returns the newest, or null.
    Runnable* pop() {
        if (bottom_ != split_) {
            --bottom_;
            return slots_[bottom_ & kMask].load(std::memory_order_relaxed);
        }
        return take_back(nullptr);
    }

    // Thread: any but the owner. Returns the oldest public branch; null, and hungry is set, if there is none.
    Runnable* steal() {
        std::uint64_t word = word_.load(std::memory_order_acquire);  // D1 acquire
        for (;;) {
            const Index top = top_of(word);
            if (top == split_of(word)) {
                if (!hungry_.load(std::memory_order_relaxed)) hungry_.store(true, std::memory_order_relaxed);  // D3
                return nullptr;
            }
            Runnable* oldest = slots_[top & kMask].load(std::memory_order_relaxed);
            const std::uint64_t next = pack(tag_of(word), static_cast<Index>(top + 1), split_of(word));
            // The word that it replaces is the one it has acquired: the tag makes each one unlike all before it.
            if (word_.compare_exchange_weak(word, next, std::memory_order_release,  // D2 release
                                            std::memory_order_acquire)) {  // D1 acquire
                return oldest;
            }
        }
    }

    // Thread: owner.
    [[nodiscard]] bool empty() const { return bottom_ == split_ && !has_public(); }

    // Thread: any. Whether a thief would find something; a loop about to sleep looks once more (I1).
    [[nodiscard]] bool has_public() const {
        const std::uint64_t word = word_.load(std::memory_order_seq_cst);  // D4 seq_cst
        return top_of(word) != split_of(word);
    }

    // A thief is waiting: the next push makes work public. Set for a loop that starts with sleeping neighbours.
    void set_hungry() { hungry_.store(true, std::memory_order_relaxed); }  // D3

private:
    using Index = std::uint16_t;
    static constexpr std::size_t kMask = kCapacity - 1;

    static constexpr std::uint64_t pack(std::uint32_t tag, Index top, Index split) {
        return (static_cast<std::uint64_t>(tag) << 32) | (static_cast<std::uint64_t>(top) << 16) | split;
    }
    static constexpr std::uint32_t tag_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
    static constexpr Index top_of(std::uint64_t word) { return static_cast<Index>(word >> 16); }
    static constexpr Index split_of(std::uint64_t word) { return static_cast<Index>(word); }

    // limit_base_ is an old value of top: looked up again only when the ring seems full.
    [[gnu::noinline]] bool has_room() {
        limit_base_ = top_of(word_.load(std::memory_order_acquire));  // D2 acquire
        return static_cast<Index>(bottom_ - limit_base_) < kCapacity;
    }

    // Makes the older half of the private part public, at least one.
    [[gnu::noinline]] Push promote() {
        hungry_.store(false, std::memory_order_relaxed);  // D3
        const Index own = static_cast<Index>(bottom_ - split_);
        const Index split = static_cast<Index>(split_ + (own + 1) / 2);
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        while (!word_.compare_exchange_weak(word, pack(tag_of(word) + 1, top_of(word), split),
                                            std::memory_order_seq_cst,  // D1 release, D4 seq_cst
                                            std::memory_order_relaxed)) {
        }
        split_ = split;
        return Push::promoted;
    }

    // The private part is empty: takes the newest public branch, if it is `wanted` (null: any).
    [[gnu::noinline]] Runnable* take_back(const Runnable* wanted) {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        for (;;) {
            if (top_of(word) == split_of(word)) return nullptr;
            const Index split = static_cast<Index>(split_of(word) - 1);
            Runnable* newest = slots_[split & kMask].load(std::memory_order_relaxed);
            if (wanted != nullptr && newest != wanted) return nullptr;
            // Relaxed: the owner wrote the slot itself; thieves only ever advance top.
            if (word_.compare_exchange_weak(word, pack(tag_of(word) + 1, top_of(word), split),
                                            std::memory_order_relaxed, std::memory_order_relaxed)) {
                split_ = bottom_ = split;
                return newest;
            }
        }
    }

    // Owner's line.
    Index bottom_ = 0;
    Index split_ = 0;
    Index limit_base_ = 0;
    AtomicArray<Runnable*, kCapacity> slots_{};
    // Thieves write these two.
    alignas(64) Atomic<std::uint64_t> word_{0};
    alignas(64) Atomic<bool> hungry_{false};
};

// Deep enough for a recursion of 4096 nested pairs before a branch is run by its own parent.
using ForkDeque = BasicForkDeque<4096>;

}  // namespace weft::scheduler
