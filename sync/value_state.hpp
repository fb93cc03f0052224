// ValueFutureState: a FutureState with room for its value; and how a value is read.
//
// Invariant: the value is made between claim and finish, by the one that claimed; it is destroyed with the state.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "scheduler/loop.hpp"
#include "sync/errors.hpp"
#include "sync/future_state.hpp"

namespace weft::sync {

// Room for a value that is constructed in place, and destroyed by whoever knows that it was. Void is no value.
template <class T>
class Room {
public:
    Room() noexcept {}
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() {}

    void destroy() noexcept { std::destroy_at(&value_); }
    [[nodiscard]] void* address() noexcept { return &value_; }

private:
    union {
        T value_;
    };
};

template <>
class Room<void> {
public:
    void destroy() noexcept {}
    [[nodiscard]] void* address() noexcept { return nullptr; }
};

// The same for one that knows it by itself.
template <class T>
class ValueSlot {
public:
    ValueSlot() = default;
    ValueSlot(const ValueSlot&) = delete;
    ValueSlot& operator=(const ValueSlot&) = delete;
    ~ValueSlot() {
        if (held_) room_.destroy();
    }
    template <class... Args>
    void emplace(Args&&... args) {
        std::construct_at(static_cast<T*>(room_.address()), std::forward<Args>(args)...);
        held_ = true;
    }
    [[nodiscard]] void* address() noexcept { return room_.address(); }

private:
    Room<T> room_;
    bool held_ = false;
};

template <>
class ValueSlot<void> {
public:
    void emplace() noexcept {}
    [[nodiscard]] void* address() noexcept { return nullptr; }
};

// The state of a plain future.
template <class T>
class ValueFutureState : public FutureState {
public:
    explicit ValueFutureState(std::uint32_t references = 1) : FutureState(references) {}

    [[nodiscard]] void* value() noexcept final { return slot_.address(); }
    [[nodiscard]] bool settable() const noexcept final { return true; }

    // Returns false, and the arguments are untouched, if another completer was first.
    template <class... Args>
    bool try_set_value(Args&&... args) {
        if (claim() == Claim::lost) return false;
        try {
            slot_.emplace(std::forward<Args>(args)...);
        } catch (...) {
            failure_ = std::current_exception();
            finish(Outcome::exception);
            return true;
        }
        finish(Outcome::value);
        return true;
    }

private:
    [[no_unique_address]] ValueSlot<T> slot_;
};

// The state of a future that a program made: it knows the loop where.
template <class T>
class CreatedFutureState final : public ValueFutureState<T> {
public:
    explicit CreatedFutureState(scheduler::Loop* loop) : home_(loop != nullptr ? &loop->shell() : nullptr) {}

    [[nodiscard]] scheduler::Shell* home_shell() const noexcept override { return home_; }

private:
    scheduler::Shell* const home_;
};

// std::vector<MoveOnly> claims to be copyable; a container is as copyable as what it holds.
template <class T>
inline constexpr bool kCopyable = std::is_copy_constructible_v<T>;
template <class T>
    requires requires { typename T::value_type; }
inline constexpr bool kCopyable<T> =
    std::is_copy_constructible_v<T> && (std::is_same_v<typename T::value_type, T> || kCopyable<typename T::value_type>);

// The value of a done future: copied, because many may read it; moved by the only owner or if it cannot be copied.
template <class T>
T read_value(FutureState& state, bool sole_owner) {
    if constexpr (!std::is_void_v<T>) {
        T& value = *static_cast<T*>(state.value());
        if constexpr (kCopyable<T>) {
            if (!sole_owner) return value;
        } else {
            (void)sole_owner;
            if (!state.take_once()) {
                throw InvalidStateError("the result was taken already: a move-only result can be awaited once");
            }
        }
        return std::move(value);
    }
}

}  // namespace weft::sync
