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
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/spin_lock.hpp"
#include "sync/coro.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

class QueueEmpty : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "the queue is empty"; }
};
class QueueFull : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "the queue is full"; }
};
class QueueShutDown : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "the queue is shut down"; }
};

namespace sync {

// What has nothing to do with the items' type.
class QueueBase {
public:
    // Thread: any, for all of these.
    [[nodiscard]] std::size_t qsize() const noexcept {
        const std::lock_guard lock(mutex_);
        return size_;
    }
    [[nodiscard]] bool empty() const noexcept { return qsize() == 0; }
    [[nodiscard]] bool full() const noexcept {
        const std::lock_guard lock(mutex_);
        return is_full();
    }
    // As it was given: 0 or less is unbounded.
    [[nodiscard]] std::ptrdiff_t maxsize() const noexcept { return maxsize_; }

    // An item that was got is dealt with. Throws std::invalid_argument if all are.
    void task_done();

    class Joining;
    // Waits until task_done() has been called for every item that was put. Thread: a task's.
    [[nodiscard]] Joining join();

    // "queue 'jobs'"
    [[nodiscard]] const std::string& in_words() const noexcept { return getters_.in_words(); }

protected:
    QueueBase(std::ptrdiff_t maxsize, std::string_view name)
        : maxsize_(maxsize),
          room_(maxsize > 0 ? static_cast<std::size_t>(maxsize) : std::numeric_limits<std::size_t>::max()),
          getters_("queue", mutex_, name),
          putters_("queue", mutex_, name),
          joiners_("queue", mutex_, name) {}
    ~QueueBase() = default;

    class Turn;
    [[nodiscard]] Turn putters_turn();
    [[nodiscard]] Turn getters_turn();

    // --- under the mutex ---------------------------------------------------------------------------------------

    [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool is_full() const noexcept { return size_ >= room_; }
    void stored(Wakes& wakes) noexcept {
        ++size_;
        ++unfinished_;
        (void)getters_.claim_first(wakes);
    }
    void taken(Wakes& wakes) noexcept {
        --size_;
        (void)putters_.claim_first(wakes);
    }
    // Somebody was woken and could neither store nor take: the next in line has a try.
    void pass_on_room(Wakes& wakes) noexcept {
        if (!is_full()) (void)putters_.claim_first(wakes);
    }
    void pass_on_item(Wakes& wakes) noexcept {
        if (!is_empty()) (void)getters_.claim_first(wakes);
    }
    void shut_down(Wakes& wakes) noexcept;
    // All items are gone without having been got.
    void discarded(Wakes& wakes) noexcept;

    mutable scheduler::SpinLock mutex_;
    bool shut_down_ = false;

private:
    std::size_t size_ = 0;
    const std::ptrdiff_t maxsize_;
    const std::size_t room_;  // what that comes to
    std::size_t unfinished_ = 0;
    ParkingLot getters_;
    ParkingLot putters_;
    ParkingLot joiners_;
};

// Waits in one of the two lines; then one looks again.
class QueueBase::Turn : public Parked {
public:
    enum class Side : bool { putters, getters };

    Turn(QueueBase& queue, Side side) noexcept
        : Parked(side == Side::putters ? queue.putters_ : queue.getters_), queue_(queue), side_(side) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        if (left_behind()) [[unlikely]]
            give_up();
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return park(self.promise(), [this](Wakes&) { return queue_.shut_down_ || may_go_on(); });
    }

    void await_resume() {
        if (!resumed()) return;
        if (interrupted()) [[unlikely]] {
            give_up();
            throw_cancelled();
        }
        (void)settle_alone();
    }

private:
    [[nodiscard]] bool may_go_on() const noexcept {
        return side_ == Side::putters ? !queue_.is_full() : queue_.size_ != 0;
    }
    void give_up() noexcept;

    QueueBase& queue_;
    const Side side_;
};

class QueueBase::Joining : public Parked {
public:
    explicit Joining(QueueBase& queue) noexcept : Parked(queue.joiners_), queue_(queue) {}
    Joining(Joining&&) noexcept = default;
    ~Joining() {
        if (left_behind() && !settle_alone()) [[unlikely]]
            give_up();
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return park(self.promise(), [this](Wakes&) { return queue_.unfinished_ == 0; });
    }

    void await_resume() {
        if (!resumed()) return;
        const bool cancelled = interrupted();
        (void)settle_alone();
        if (cancelled) throw_cancelled();
    }

private:
    void give_up() noexcept;

    QueueBase& queue_;
};

inline QueueBase::Turn QueueBase::putters_turn() { return Turn(*this, Turn::Side::putters); }
inline QueueBase::Turn QueueBase::getters_turn() { return Turn(*this, Turn::Side::getters); }
inline QueueBase::Joining QueueBase::join() { return Joining(*this); }

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

    class Putting;
    // Waits for room. Throws QueueShutDown. Cancel: nothing is stored. Thread: a task's.
    // Cost: if there is room, one lock; otherwise a coroutine's frame, too.
    [[nodiscard]] Putting put(T item) { return Putting(*this, std::move(item)); }

    class Getting;
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
        Wakes wakes;
        const std::lock_guard lock(mutex_);
        if (shut_down_) throw QueueShutDown();
        if (is_full()) return false;
        items_.push(std::move(item));
        stored(wakes);
        return true;
    }
    // Returns false, and `item` is what it was, if it is empty.
    [[nodiscard]] bool take(std::optional<T>& item) {
        Wakes wakes;
        const std::lock_guard lock(mutex_);
        if (is_empty()) {
            if (shut_down_) throw QueueShutDown();
            return false;
        }
        items_.pop_to(item);
        taken(wakes);
        return true;
    }

    // `item` is the awaiter's: it outlives this.
    Coro<> put_in_turn(T& item) {
        do {
            co_await putters_turn();
        } while (!store_woken(item));
    }
    Coro<> get_in_turn(std::optional<T>& item) {
        do {
            co_await getters_turn();
        } while (!take_woken(item));
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

template <class T, class Items>
class BasicQueue<T, Items>::Putting {
public:
    static constexpr bool kTakes = true;  // see awaitable.hpp

    Putting(BasicQueue& queue, T&& item) : queue_(queue), item_(std::move(item)) {}
    // Only before it is awaited.
    Putting(Putting&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
        : queue_(other.queue_), item_(std::move(other.item_)) {}

    [[nodiscard]] bool await_ready() { return queue_.store(item_); }

    template <class Promise>
    Transfer await_suspend(std::coroutine_handle<Promise> self) {
        return in_turn_.emplace(*queue_.put_in_turn(item_).give_away()).await_suspend(self);
    }

    void await_resume() {
        if (in_turn_) in_turn_->await_resume();
    }

private:
    BasicQueue& queue_;
    T item_;
    std::optional<Coro<>::Awaiter> in_turn_;
};

template <class T, class Items>
class BasicQueue<T, Items>::Getting {
public:
    static constexpr bool kTakes = true;  // see awaitable.hpp

    explicit Getting(BasicQueue& queue) noexcept : queue_(queue) {}
    // Only before it is awaited.
    Getting(Getting&& other) noexcept : queue_(other.queue_) {}

    [[nodiscard]] bool await_ready() { return queue_.take(item_); }

    template <class Promise>
    Transfer await_suspend(std::coroutine_handle<Promise> self) {
        return in_turn_.emplace(*queue_.get_in_turn(item_).give_away()).await_suspend(self);
    }

    T await_resume() {
        if (in_turn_) in_turn_->await_resume();
        return std::move(*item_);
    }

private:
    BasicQueue& queue_;
    std::optional<T> item_;
    std::optional<Coro<>::Awaiter> in_turn_;
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
