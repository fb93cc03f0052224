// Fifo: Runnables in order of arrival, linked through themselves, for one thread. The ready queue of a loop that
// nobody steals from, and the overflow of one that others do.
#pragma once

#include <cstddef>
#include <utility>

#include "scheduler/runnable.hpp"

namespace weft::scheduler {

class Fifo {
public:
    Fifo() = default;
    Fifo(const Fifo&) = delete;
    Fifo& operator=(const Fifo&) = delete;

    [[nodiscard]] bool empty() const { return head_ == nullptr; }
    [[nodiscard]] std::size_t size() const { return size_; }

    void push(Runnable& runnable) {
        runnable.next_ = nullptr;
        *tail_ = &runnable;
        tail_ = &runnable.next_;
        ++size_;
    }

    // Puts a chain of `count` Runnables, linked first to last, behind what is there.
    void append(Runnable& first, Runnable& last, std::size_t count) {
        last.next_ = nullptr;
        *tail_ = &first;
        tail_ = &last.next_;
        size_ += count;
    }

    // Puts all of `other` behind what is there.
    void append(Fifo& other) {
        if (other.head_ == nullptr) return;
        *tail_ = other.head_;
        tail_ = other.tail_;
        size_ += std::exchange(other.size_, 0);
        other.head_ = nullptr;
        other.tail_ = &other.head_;
    }

    // Returns the oldest, or null.
    Runnable* pop() { return empty() ? nullptr : &take(); }
    // The same, only if there is one.
    Runnable& take() {
        Runnable& first = *head_;
        head_ = first.next_;
        if (head_ == nullptr) tail_ = &head_;
        --size_;
        return first;
    }

private:
    Runnable* head_ = nullptr;
    Runnable** tail_ = &head_;
    std::size_t size_ = 0;
};

}  // namespace weft::scheduler
