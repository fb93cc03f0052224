// Inbox: what other threads hand to a loop. Any thread pushes; the owner takes everything at once, in the order in
// which each sender sent.
//
// Invariant: the head is a stack of what was sent, newest first, or the mark `closed`, which is never left.
//
//     open(chain) --push--> open(r + chain)      open(chain) --take_all--> open()      open(chain) --close--> closed
//
// Orderings
//   B1 head: seq_cst CAS in push, acquire exchange in take_all  the Runnable's contents reach the loop
//   B2 head: seq_cst CAS in push, seq_cst load in empty         StoreLoad partner: Loop's parked flag (L1), Idle's word (I1)
//
// Rejected: Vyukov's MPSC list (a sender between its two stores hides what later senders sent).
#pragma once

#include <cstdint>

#include "scheduler/atomic.hpp"
#include "scheduler/fifo.hpp"

namespace weft::scheduler {

class Inbox {
public:
    enum class [[nodiscard]] Push : std::uint8_t { sent, closed };

    Inbox() = default;
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    // Thread: any.
    Push push(Runnable& runnable) {
        Runnable* head = head_.load(std::memory_order_relaxed);
        do {
            if (head == closed_mark()) return Push::closed;
            runnable.next_ = head;
        } while (!head_.compare_exchange_weak(head, &runnable, std::memory_order_seq_cst,  // B1 release, B2 seq_cst
                                              std::memory_order_relaxed));
        return Push::sent;
    }

    // Thread: any. seq_cst, because a loop about to sleep looks once more.
    [[nodiscard]] bool empty() const {
        const Runnable* head = head_.load(std::memory_order_seq_cst);  // B2 seq_cst
        return head == nullptr || head == closed_mark();
    }

    // Thread: any loop. Appends everything to `into`, oldest first; false if there was nothing.
    bool take_all(Fifo& into) {
        Runnable* head = head_.load(std::memory_order_relaxed);
        do {
            if (head == nullptr || head == closed_mark()) return false;
        } while (!head_.compare_exchange_weak(head, nullptr, std::memory_order_acquire,  // B1 acquire
                                              std::memory_order_relaxed));
        append_reversed(head, into);
        return true;
    }

    // Thread: owner. Nothing can be pushed afterwards; what was there is appended to `into`.
    void close(Fifo& into) {
        Runnable* head = head_.exchange(closed_mark(), std::memory_order_acquire);  // B1 acquire
        if (head != closed_mark()) append_reversed(head, into);
    }

private:
    // No Runnable's address, and beside null: one comparison tells both from a chain.
    static Runnable* closed_mark() { return reinterpret_cast<Runnable*>(std::uintptr_t{1}); }

    static void append_reversed(Runnable* newest, Fifo& into) {
        Runnable* oldest = nullptr;
        while (newest != nullptr) {
            Runnable* next = newest->next_;
            newest->next_ = oldest;
            oldest = newest;
            newest = next;
        }
        while (oldest != nullptr) {
            Runnable* next = oldest->next_;
            into.push(*oldest);
            oldest = next;
        }
    }

    Atomic<Runnable*> head_{nullptr};
};

}  // namespace weft::scheduler
