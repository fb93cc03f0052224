// TaskSlot: one entry of a loop's table of live tasks. TaskSlots: such a table.
//
// Invariant: a slot names one live task or none. Its table's adder alone fills it, and whoever ends the task empties it,
// from any thread; nothing else is touched, no neighbour, no lock and no list. A visitor takes a slot for as long as it
// needs to take a reference: the task cannot leave meanwhile, so it lives.
//
//     empty --put--> task --clear--> empty
//                    task --visit--> task + visited --leave--> task
//
// The adder goes round its table and takes what it finds empty. A lap that meets three full slots for each empty one
// makes the table twice as large: an addition costs four looks at most, in order, on the average of a lap. The memory
// stays until the loop goes: 8 to 21 bytes for each task of the greatest crowd there was.
//
// Orderings
//   S1 slot: release in put, acquire CAS in visit           a visitor sees the task made
//   S2 slot: release in leave, acquire CAS in clear         who ends the task sees the visitor's reference
//   S3 slot: release CAS in clear, acquire loads in visit   who finds a task gone sees all that it did
//   S4 chunk: release when it is made, acquire in each      a visitor sees its slots empty
// The adder reads nothing through a slot that it finds empty: a relaxed look will do.
//
// Rejected: a doubly linked list (a spin lock a section, the neighbours' cache lines, and a thief that ends a task has to
// hand it back to its loop to be unlinked); a stack of empty slots (a word that all threads fight for).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "scheduler/atomic.hpp"

namespace weft::sync {

class TaskState;

class TaskSlot {
public:
    // Thread: the table's adder.
    [[nodiscard]] bool empty() const noexcept { return word_.load(std::memory_order_relaxed) == kEmpty; }
    void put(TaskState& task) noexcept {
        word_.store(reinterpret_cast<std::uintptr_t>(&task), std::memory_order_release);  // S1
    }

    // The task that is in it, or null. Thread: one that is ordered behind all who put one in, while nobody visits.
    [[nodiscard]] TaskState* task() const noexcept {
        return reinterpret_cast<TaskState*>(word_.load(std::memory_order_relaxed));
    }

    // Thread: any, for the task that is in it.
    void clear(TaskState& task) noexcept {
        const auto own = reinterpret_cast<std::uintptr_t>(&task);
        std::uintptr_t word = own;
        while (!word_.compare_exchange_weak(word, kEmpty, std::memory_order_acq_rel,  // S2 acquire, S3 release
                                            std::memory_order_relaxed)) {
            if (word != own) std::this_thread::yield();  // a visitor is about to leave
            word = own;
        }
    }

    // Calls visit(task) if there is one, which may only take references. Thread: any.
    template <class Visit>
    void visit(const Visit& visit) {
        std::uintptr_t word = word_.load(std::memory_order_acquire);  // S3
        for (;;) {
            if (word == kEmpty) return;
            if ((word & kVisited) != 0) {
                std::this_thread::yield();
                word = word_.load(std::memory_order_acquire);  // S3
            } else if (word_.compare_exchange_weak(word, word | kVisited, std::memory_order_acquire,  // S1
                                                   std::memory_order_acquire)) {  // S3
                break;
            }
        }
        struct Leave {  // also when the visitor throws
            TaskSlot& slot;
            std::uintptr_t word;
            ~Leave() { slot.word_.store(word, std::memory_order_release); }  // S2
        } const leave{*this, word};
        visit(*reinterpret_cast<TaskState*>(word));
    }

private:
    static constexpr std::uintptr_t kEmpty = 0;
    static constexpr std::uintptr_t kVisited = 1;

    scheduler::LoneAtomic<std::uintptr_t> word_{kEmpty};
};

class TaskSlots {
public:
    TaskSlots() = default;
    TaskSlots(const TaskSlots&) = delete;
    TaskSlots& operator=(const TaskSlots&) = delete;
    ~TaskSlots() {
        for (const auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
    }

    // Returns an empty slot. Throws std::bad_alloc. Thread: one at a time.
    [[nodiscard]] TaskSlot& take() {
        for (;;) {
            for (; next_ != end_; ++full_) {
                TaskSlot& slot = *next_++;
                if (slot.empty()) [[likely]]
                    return slot;
            }
            turn_page();
        }
    }

    // Calls visit(slot) for each, the last first: the newest, in a table that was never full. Thread: any.
    template <class Visit>
    void each(Visit visit) {
        for (std::size_t chunk = kMostChunks; chunk-- != 0;) {
            TaskSlot* const slots = chunks_[chunk].load(std::memory_order_acquire);  // S4
            if (slots == nullptr) continue;
            for (std::size_t i = size_of(chunk); i-- != 0;) visit(slots[i]);
        }
    }

    // Thread: the adder.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::size_t kFirst = 64;
    static constexpr std::size_t kMostChunks = 40;

    // Each makes the table twice as large.
    static constexpr std::size_t size_of(std::size_t chunk) noexcept {
        return chunk == 0 ? kFirst : kFirst << (chunk - 1);
    }

    void turn_page();

    TaskSlot* next_ = nullptr;
    TaskSlot* end_ = nullptr;
    std::size_t full_ = 0;  // of those seen in this lap
    std::size_t chunk_ = 0;  // of next_
    std::size_t count_ = 0;  // chunks
    std::size_t size_ = 0;  // slots
    std::array<scheduler::Atomic<TaskSlot*>, kMostChunks> chunks_{};
};

}  // namespace weft::sync
