// Broadcast: every value goes to every receiver, on any loop. Sending never waits: a receiver that falls behind loses the
// oldest values, and is told how many.
//
//     weft::Broadcast<Price> prices(64);
//     auto receiver = prices.subscribe();              // from the next value on
//     const Price price = co_await receiver.receive(); // BroadcastLagged: some were missed; then the oldest that is left
//
// Invariant: the last `capacity` values are kept, numbered from 0, whether all have received them or not; a receiver has the
// number of the value that it gets next. It goes on to the one after when it has a value in hand: a cancelled wait misses
// none. A value whose copy then throws counts as received.
//
//     next - capacity .. next: kept      receiver < next: a value     receiver = next: wait     receiver < kept: lagged
//
// The mutex guards numbers and places; values are made, copied and destroyed outside it: they are kept by shared pointers.
//
// Source: tokio's broadcast channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/errors.hpp"
#include "sync/in_turn.hpp"
#include "sync/news.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

class BroadcastLagged : public std::exception {
public:
    explicit BroadcastLagged(std::uint64_t missed) noexcept : missed_(missed) {}
    [[nodiscard]] const char* what() const noexcept override { return "the receiver lagged behind and missed values"; }
    // How many.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

private:
    std::uint64_t missed_;
};

class BroadcastShutDown : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "the broadcast is shut down"; }
};

namespace sync {

// Returns `capacity`. Throws std::invalid_argument if it is less than 1.
[[nodiscard]] std::size_t checked_broadcast_capacity(std::ptrdiff_t capacity);

// What has nothing to do with the type of the values.
class BroadcastBase : public News {
public:
    // Thread: any.
    [[nodiscard]] std::size_t receivers() const noexcept {
        const std::lock_guard lock(mutex_);
        return receivers_;
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

protected:
    BroadcastBase(std::ptrdiff_t capacity, std::string_view name)
        : News("broadcast", name), capacity_(checked_broadcast_capacity(capacity)) {}
    ~BroadcastBase();  // in debug mode tells of receivers that it does not outlive

    [[nodiscard]] std::uint64_t begin_receiver() noexcept;
    void end_receiver() noexcept;

    enum class Next : std::uint8_t { there, not_sent_yet, missed, never };
    // Under the mutex: what has become of the value numbered `wanted`.
    [[nodiscard]] Next next(std::uint64_t wanted) const noexcept {
        if (wanted == next_) return shut_down_ ? Next::never : Next::not_sent_yet;
        return next_ - wanted > capacity_ ? Next::missed : Next::there;
    }

    std::size_t receivers_ = 0;
    const std::size_t capacity_;
};

}  // namespace sync

// Outlives its receivers. After shutdown() they get what is left, then BroadcastShutDown, as does who sends.
template <class T>
class Broadcast : public sync::BroadcastBase {
public:
    // Keeps the last `capacity` values. Throws std::invalid_argument if that is less than 1. `name` is for reports.
    explicit Broadcast(std::ptrdiff_t capacity, std::string_view name = {})
        : BroadcastBase(capacity, name), values_(this->capacity()) {}

    // Returns how many receivers can get it: with none it is gone at once. Throws BroadcastShutDown. Thread: any.
    std::size_t send(T value) {
        std::shared_ptr<const T> sent = std::make_shared<const T>(std::move(value));
        {
            sync::Wakes wakes;
            const std::lock_guard lock(mutex_);
            if (!shut_down_) [[likely]] {
                if (receivers_ == 0) return 0;
                values_[next_ % capacity_].swap(sent);
                told(wakes);
                return receivers_;
            }
        }
        throw BroadcastShutDown();
    }

    class Receiver;
    // It gets what is sent from now on. Thread: any.
    [[nodiscard]] Receiver subscribe() { return Receiver(*this); }

private:
    std::vector<std::shared_ptr<const T>> values_;
};

// One task's at a time.
template <class T>
class Broadcast<T>::Receiver {
public:
    explicit Receiver(Broadcast& broadcast) noexcept : broadcast_(&broadcast), wanted_(broadcast.begin_receiver()) {}
    Receiver(Receiver&& other) noexcept
        : broadcast_(std::exchange(other.broadcast_, nullptr)), wanted_(other.wanted_) {}
    Receiver& operator=(Receiver&& other) noexcept {
        if (this != &other) {
            end();
            broadcast_ = std::exchange(other.broadcast_, nullptr);
            wanted_ = other.wanted_;
        }
        return *this;
    }
    ~Receiver() { end(); }

    class Receive;
    // Waits for the next value. Returns, when awaited, a copy of it. Throws BroadcastLagged, once, if values were missed,
    // and BroadcastShutDown after the last one. Cancel: nothing is missed. Thread: a task's.
    // Cost: if there is one, one lock; otherwise a coroutine's frame, too.
    [[nodiscard]] sync::InTurn<Receive> receive() & { return sync::InTurn<Receive>(*this); }
    void receive() && = delete;  // the receiver would be gone before the value comes: give it a name

    // Returns nothing if there is none yet. Throws as receive(). Thread: any, while nobody waits with this receiver.
    [[nodiscard]] std::optional<T> try_receive() {
        std::optional<T> value;
        if (const std::shared_ptr<const T> received = take()) value.emplace(*received);
        return value;
    }

private:
    [[nodiscard]] std::shared_ptr<const T> take() {
        if (broadcast_ == nullptr) throw InvalidStateError("the receiver was moved from");
        std::uint64_t missed = 0;
        {
            const std::lock_guard lock(broadcast_->mutex_);
            switch (broadcast_->next(wanted_)) {
                case Next::there: return broadcast_->values_[wanted_++ % broadcast_->capacity_];
                case Next::not_sent_yet: return nullptr;
                case Next::missed: missed = broadcast_->next_ - broadcast_->capacity_ - wanted_; break;
                case Next::never: break;
            }
        }
        if (missed == 0) throw BroadcastShutDown();
        wanted_ += missed;
        throw BroadcastLagged(missed);
    }
    void end() noexcept {
        if (broadcast_ != nullptr) broadcast_->end_receiver();
    }

    Broadcast* broadcast_;
    std::uint64_t wanted_;  // its task's
};

// As in_turn.hpp says.
template <class T>
class Broadcast<T>::Receiver::Receive {
public:
    explicit Receive(Receiver& receiver) noexcept : receiver_(receiver) {}

    [[nodiscard]] bool attempt() {
        received_ = receiver_.take();
        return received_ != nullptr;
    }
    [[nodiscard]] bool attempt_woken() { return attempt(); }
    [[nodiscard]] Arrival line() { return Arrival(*receiver_.broadcast_, receiver_.wanted_); }
    [[nodiscard]] T result() { return *received_; }

private:
    Receiver& receiver_;
    std::shared_ptr<const T> received_;
};

}  // namespace weft
