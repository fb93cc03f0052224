// Queue, PriorityQueue, LifoQueue: items from tasks to tasks, on any loops; unbounded, or with room for `maxsize`.
// Rules 239 to 244.
//
// Invariant: an item is in the queue or with one getter. A wake is not a transfer: it goes to the one that waits longest,
// which looks again when it runs; if another task was faster it waits again, at the end of the line. Who was woken and is
// cancelled wakes the next, as long as there is an item (room) for it: none is left lying while somebody waits.
//
//     put: room? --store, wake a getter--> done          get: an item? --take, wake a putter--> done
//           '--no--> line of putters --woken--> again           '--no--> line of getters --woken--> again
//
// The mutex guards items, counts and the three lines; items are moved, and compared, under it: their move constructors
// and `Less` must not use the queue, and `Less` must not throw. What shutdown discards is destroyed outside.
//
// Rejected: handing an item to the getter that is woken (rule 239: the one that runs first gets it); rings without a lock
// (PriorityQueue, shutdown and fairness need one anyway, and a lock without a rival costs one read-modify-write).
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/in_turn.hpp"
#include "sync/parking_lot.hpp"
#include "sync/queue_base.hpp"

namespace weft {

namespace sync {

// In which order items come out.
template <class T>
class FirstFirst {
public:
    void push(T&& item) { items_.push_back(std::move(item)); }
    void pop_to(std::optional<T>& item) {
        item.emplace(std::move(items_.front()));
        items_.pop_front();
    }

private:
    std::deque<T> items_;
};

template <class T>
class LastFirst {
public:
    void push(T&& item) { items_.push_back(std::move(item)); }
    void pop_to(std::optional<T>& item) {
        item.emplace(std::move(items_.back()));
        items_.pop_back();
    }

private:
    std::vector<T> items_;
};

template <class T, class Less>
class LeastFirst {
public:
    void push(T&& item) {
        items_.push_back(std::move(item));
        std::push_heap(items_.begin(), items_.end(), After());
    }
    void pop_to(std::optional<T>& item) {
        std::pop_heap(items_.begin(), items_.end(), After());
        item.emplace(std::move(items_.back()));
        items_.pop_back();
    }

private:
    struct After {
        bool operator()(const T& a, const T& b) const { return Less()(b, a); }
    };

    std::vector<T> items_;
};

template <class T, class Items>
class BasicQueue : public QueueBase {
public:
    using value_type = T;

    // `maxsize` 0 or less: unbounded. `name` is for reports.
    explicit BasicQueue(std::ptrdiff_t maxsize = 0, std::string_view name = {}) : QueueBase(maxsize, name) {}

    class Put;
    using Putting = InTurn<Put>;
    // Waits for room. Throws QueueShutDown. Cancel: nothing is stored. Thread: a task's.
    // Cost: if there is room, one lock; otherwise a coroutine's frame, too.
    [[nodiscard]] Putting put(T item) { return Putting(*this, std::move(item)); }

    class Get;
    using Getting = InTurn<Get>;
    // Returns, when awaited, the next item, once there is one. Throws QueueShutDown if it is shut down and empty.
    // Cancel: nothing is taken. Thread and cost: as put().
    [[nodiscard]] Getting get() { return Getting(*this); }

    // Throw QueueFull, QueueEmpty, QueueShutDown. Thread: any.
    void put_nowait(T item) {
        if (!store(item)) throw QueueFull();
    }
    [[nodiscard]] T get_nowait() {
        std::optional<T> item = try_get();
        if (!item) throw QueueEmpty();
        return std::move(*item);
    }

    // Returns false if it is full; `item` is moved from only if it is stored. Throws QueueShutDown. Thread: any.
    [[nodiscard]] bool try_put(T&& item) { return store(item); }
    [[nodiscard]] bool try_put(const T& item) {
        T copy(item);
        return store(copy);
    }
    // Returns nothing if it is empty. Throws QueueShutDown if it is shut down, too. Thread: any.
    [[nodiscard]] std::optional<T> try_get() {
        std::optional<T> item;
        (void)take(item);
        return item;
    }

    // Whoever waits to put gets QueueShutDown, as does everybody who puts later; getters do once the items are gone.
    // `immediate`: they are gone now, and count as done. Thread: any.
    void shutdown(bool immediate = false) {
        Items discarded_items;
        Wakes wakes;
        const std::lock_guard lock(mutex_);
        if (immediate) {
            std::swap(items_, discarded_items);
            discarded(wakes);
        }
        shut_down(wakes);
    }

private:
    [[nodiscard]] bool store(T& item) {
        {
            Wakes wakes;
            const std::lock_guard lock(mutex_);
            if (!shut_down_) [[likely]] {
                if (is_full()) return false;
                items_.push(std::move(item));
                stored(wakes);
                return true;
            }
        }
        throw QueueShutDown();
    }
    // Returns false, and `item` is what it was, if it is empty.
    [[nodiscard]] bool take(std::optional<T>& item) {
        {
            Wakes wakes;
            const std::lock_guard lock(mutex_);
            if (!is_empty()) [[likely]] {
                items_.pop_to(item);
                taken(wakes);
                return true;
            }
            if (!shut_down_) return false;
        }
        throw QueueShutDown();
    }

    // The same for who was woken: if a move throws, the next in line is woken for what it was woken for.
    [[nodiscard]] bool store_woken(T& item) {
        try {
            return store(item);
        } catch (...) {
            Wakes wakes;
            const std::lock_guard lock(mutex_);
            pass_on_room(wakes);
            throw;
        }
    }
    [[nodiscard]] bool take_woken(std::optional<T>& item) {
        try {
            return take(item);
        } catch (...) {
            Wakes wakes;
            const std::lock_guard lock(mutex_);
            pass_on_item(wakes);
            throw;
        }
    }

    Items items_;
};

// As in_turn.hpp says.
template <class T, class Items>
class BasicQueue<T, Items>::Put {
public:
    Put(BasicQueue& queue, T&& item) : queue_(queue), item_(std::move(item)) {}

    [[nodiscard]] bool attempt() { return queue_.store(item_); }
    [[nodiscard]] bool attempt_woken() { return queue_.store_woken(item_); }
    [[nodiscard]] Turn line() { return queue_.putters_turn(); }
    void result() noexcept {}

private:
    BasicQueue& queue_;
    T item_;
};

template <class T, class Items>
class BasicQueue<T, Items>::Get {
public:
    explicit Get(BasicQueue& queue) noexcept : queue_(queue) {}

    [[nodiscard]] bool attempt() { return queue_.take(item_); }
    [[nodiscard]] bool attempt_woken() { return queue_.take_woken(item_); }
    [[nodiscard]] Turn line() { return queue_.getters_turn(); }
    [[nodiscard]] T result() { return std::move(*item_); }

private:
    BasicQueue& queue_;
    std::optional<T> item_;
};

}  // namespace sync

// First in, first out.
template <class T>
class Queue : public sync::BasicQueue<T, sync::FirstFirst<T>> {
public:
    using sync::BasicQueue<T, sync::FirstFirst<T>>::BasicQueue;
};

// The least first; equal ones in no particular order.
template <class T, class Less = std::less<T>>
class PriorityQueue : public sync::BasicQueue<T, sync::LeastFirst<T, Less>> {
public:
    using sync::BasicQueue<T, sync::LeastFirst<T, Less>>::BasicQueue;
};

// Last in, first out.
template <class T>
class LifoQueue : public sync::BasicQueue<T, sync::LastFirst<T>> {
public:
    using sync::BasicQueue<T, sync::LastFirst<T>>::BasicQueue;
};

}  // namespace weft
