// Future<T>: the typed face of a FutureState: a copyable handle that any thread may complete, cancel or await.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sync/branch.hpp"
#include "sync/context_callback.hpp"
#include "sync/done_callback.hpp"
#include "sync/errors.hpp"
#include "sync/future_ref.hpp"
#include "sync/future_state.hpp"
#include "sync/value_state.hpp"

namespace weft {

template <class T>
class Future;
template <class T>
class Task;
class Loop;

namespace sync {

// What can be done with any handle, whatever its type.
class AnyHandle {
public:
    AnyHandle() = default;
    explicit AnyHandle(FutureRef ref) noexcept : ref_(std::move(ref)) {}

    explicit operator bool() const noexcept { return ref_.pointer() != nullptr; }
    [[nodiscard]] bool done() const { return ref_.get().done(); }
    [[nodiscard]] bool cancelled() const { return done() && ref_.get().outcome() == Outcome::cancelled; }

    // Returns false if it was done. A Future ends at once; a Task gets a request.
    // Thread: any.
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    bool cancel(std::string_view message = {}) const { return ref_.get().cancel(message); }

    // Returns null for a value. Throws InvalidStateError while pending, CancelledError when cancelled.
    [[nodiscard]] std::exception_ptr exception() const {
        FutureState& state = done_state();
        if (state.outcome() == Outcome::cancelled) state.check();
        return state.failure();
    }

    // Returns 1 if the callback was taken off; 0 if it was before, or the future is done (then it still runs).
    // Thread: any.
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    std::size_t remove_done_callback(const CallbackId& id) const {
        FutureState& state = ref_.get();
        return id.callback_ != nullptr && id.callback_->remove_from(state) ? 1 : 0;
    }

    // Returns the loop on which the future was made, or to which the task belongs.
    // Throws std::runtime_error if it was made outside loops, or the loop is closed.
    template <class L = Loop>
    [[nodiscard]] L& get_loop() const {
        return static_cast<L&>(ref_.get().loop());
    }

    [[nodiscard]] FutureState& state() const { return ref_.get(); }
    [[nodiscard]] const FutureRef& ref() const noexcept { return ref_; }

    friend bool operator==(const AnyHandle& a, const AnyHandle& b) noexcept {
        return a.ref_.pointer() == b.ref_.pointer();
    }
    [[nodiscard]] std::size_t hash() const noexcept { return std::hash<void*>()(ref_.pointer()); }

protected:
    [[nodiscard]] FutureState& done_state() const {
        FutureState& state = ref_.get();
        if (!state.done()) throw InvalidStateError("Result is not set.");
        return state;
    }
    [[nodiscard]] FutureRef&& take_ref() noexcept { return std::move(ref_); }
    ~AnyHandle() = default;
    AnyHandle(const AnyHandle&) = default;
    AnyHandle(AnyHandle&&) noexcept = default;
    AnyHandle& operator=(const AnyHandle&) = default;
    AnyHandle& operator=(AnyHandle&&) noexcept = default;

private:
    FutureRef ref_;
};

// Awaits any state and gives its T. What is done already costs no reference of its own: whoever awaits it has one.
template <class T>
class FutureAwaiter {
public:
    // The awaiting expression holds it until it suspends.
    explicit FutureAwaiter(FutureState& state) noexcept : state_(&state) {}
    // Takes the reference over.
    explicit FutureAwaiter(FutureRef&& ref) : state_(&ref.get()), ref_(std::move(ref)) {}

    // Rule 45: a done future does not suspend.
    [[nodiscard]] bool await_ready() const noexcept { return state_->done(); }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        if (ref_.pointer() == nullptr) {
            state_->retain();
            ref_ = FutureRef(state_);
        }
        return suspend_on(self.promise(), *state_, suspended_);
    }

    T await_resume() {
        if (suspended_ != nullptr) resume_from(*state_, *suspended_);
        state_->check();
        state_->mark_retrieved();
        return read_value<T>(*state_, ref_.pointer() != nullptr && state_->sole_owner());
    }

private:
    FutureState* state_;
    FutureRef ref_;
    TaskState* suspended_ = nullptr;
};

}  // namespace sync

template <class T = void>
class Future : public sync::AnyHandle {
public:
    using value_type = T;

    Future() = default;
    explicit Future(sync::FutureRef ref) noexcept : AnyHandle(std::move(ref)) {}

    // Throws InvalidStateError while pending, CancelledError when cancelled, or what the future failed with.
    [[nodiscard]] std::add_lvalue_reference_t<const T> result() const {
        sync::FutureState& state = this->done_state();
        state.check();
        if constexpr (!std::is_void_v<T>) return *static_cast<const T*>(state.value());
    }

    // Complete the future; throw InvalidStateError if it is done or another thread completes it.
    template <class... V>
        requires(std::is_void_v<T> ? sizeof...(V) == 0 : sizeof...(V) == 1)
    void set_result(V&&... value) const {
        if (!try_set_result(std::forward<V>(value)...)) throw_done();
    }
    template <class E>
    void set_exception(E&& exception) const {
        if (!try_set_exception(std::forward<E>(exception))) throw_done();
    }

    // The same for racing threads: false if somebody was first.
    template <class... V>
        requires(std::is_void_v<T> ? sizeof...(V) == 0 : sizeof...(V) == 1)
    bool try_set_result(V&&... value) const {
        sync::FutureState& state = this->state();
        if (!state.settable()) throw std::runtime_error("Task does not support set_result operation");
        return static_cast<sync::ValueFutureState<T>&>(state).try_set_value(std::forward<V>(value)...);
    }
    template <class E>
    bool try_set_exception(E&& exception) const {
        sync::FutureState& state = this->state();
        if (!state.settable()) throw std::runtime_error("Task does not support set_exception operation");
        if constexpr (std::is_same_v<std::decay_t<E>, std::exception_ptr>) {
            return state.try_set_exception(std::forward<E>(exception));
        } else {
            return state.try_set_exception(std::make_exception_ptr(std::forward<E>(exception)));
        }
    }

    // Calls fn(Future<T>) through the running loop (outside of loops: the future's own) once the future is done, also if
    // it is done already; in a copy of the caller's context unless options name one.
    // Throws std::runtime_error outside of loops for a future that was made outside of loops.
    template <std::invocable<Future<T>> F>
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    CallbackId add_done_callback(F fn, CallbackOptions options = {}) const {
        return sync::add_done_callback<Future<T>>(this->state(), std::move(fn), sync::callback_loop(this->state()),
                                                  options);
    }

    sync::FutureAwaiter<T> operator co_await() const& { return sync::FutureAwaiter<T>(this->state()); }
    sync::FutureAwaiter<T> operator co_await() && { return sync::FutureAwaiter<T>(this->take_ref()); }

private:
    [[noreturn]] static void throw_done() { throw InvalidStateError("invalid state: the future is done already"); }
};

// Returns a pending future.
template <class T = void>
[[nodiscard]] Future<T> create_future() {
    return Future<T>(sync::FutureRef(new sync::CreatedFutureState<T>(scheduler::current_loop())));
}

// A handle to a future of any type: awaiting it rethrows and gives nothing.
class AnyFuture : public sync::AnyHandle {
public:
    AnyFuture() = default;
    template <class T>
    AnyFuture(const Future<T>& future) : AnyHandle(future.ref()) {}  // NOLINT(google-explicit-constructor)
    explicit AnyFuture(sync::FutureRef ref) noexcept : AnyHandle(std::move(ref)) {}

    // As Future's.
    template <std::invocable<AnyFuture> F>
    // NOLINTNEXTLINE(modernize-use-nodiscard): mostly called for its effect
    CallbackId add_done_callback(F fn, CallbackOptions options = {}) const {
        return sync::add_done_callback<AnyFuture>(this->state(), std::move(fn), sync::callback_loop(this->state()),
                                                  options);
    }

    sync::FutureAwaiter<void> operator co_await() const& { return sync::FutureAwaiter<void>(this->state()); }
    sync::FutureAwaiter<void> operator co_await() && { return sync::FutureAwaiter<void>(this->take_ref()); }
};

}  // namespace weft

template <class T>
struct std::hash<weft::Future<T>> {
    std::size_t operator()(const weft::Future<T>& future) const noexcept { return future.hash(); }
};
template <>
struct std::hash<weft::AnyFuture> {
    std::size_t operator()(const weft::AnyFuture& future) const noexcept { return future.hash(); }
};
template <>
struct std::hash<weft::CallbackId> {
    std::size_t operator()(const weft::CallbackId& id) const noexcept { return id.hash(); }
};
