// QueueBase: what has nothing to do with the type of a queue's items: how many there are, how many are unfinished, who
// waits. Its mutex guards the items, too. See queue.hpp.
#pragma once

#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <string_view>

#include "scheduler/spin_lock.hpp"
#include "sync/notified.hpp"
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

// Waits in one of the two lines.
class QueueBase::Turn final : public Notified {
public:
    enum class Side : bool { putters, getters };

    Turn(QueueBase& queue, Side side) noexcept
        : Notified(side == Side::putters ? queue.putters_ : queue.getters_), queue_(queue), side_(side) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        if (left_behind()) [[unlikely]]
            give_up();
    }

private:
    // An item, or room. It may throw QueueShutDown instead.
    [[nodiscard]] bool there() const noexcept override { return queue_.shut_down_ || may_go_on(); }
    [[nodiscard]] bool may_go_on() const noexcept {
        return side_ == Side::putters ? !queue_.is_full() : !queue_.is_empty();
    }
    void pass_on() noexcept override;

    QueueBase& queue_;
    const Side side_;
};

class QueueBase::Joining final : public Notified {
public:
    explicit Joining(QueueBase& queue) noexcept : Notified(queue.joiners_), queue_(queue) {}
    Joining(Joining&&) noexcept = default;

private:
    [[nodiscard]] bool there() const noexcept override { return queue_.unfinished_ == 0; }

    QueueBase& queue_;
};

inline QueueBase::Turn QueueBase::putters_turn() { return Turn(*this, Turn::Side::putters); }
inline QueueBase::Turn QueueBase::getters_turn() { return Turn(*this, Turn::Side::getters); }
inline QueueBase::Joining QueueBase::join() { return Joining(*this); }

}  // namespace sync

}  // namespace weft
