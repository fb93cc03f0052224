// Future<T>: the typed face of a FutureState: a copyable handle that any thread may complete, cancel or await.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "scheduler/handle.hpp"
#include "sync/branch.hpp"
#include "sync/context_callback.hpp"
#include "sync/errors.hpp"
#include "sync/future_state.hpp"

namespace weft {

template <class T>
class Future;
template <class T>
class Task;
class Loop;

namespace sync {

class AnyHandle;

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

// A counted reference to a FutureState. Empty: InvalidStateError on use.
class FutureRef {
public:
    FutureRef() = default;
    // Takes over a reference.
    explicit FutureRef(FutureState* state) noexcept : state_(state) {}
    FutureRef(const FutureRef& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) state_->retain();
    }
    FutureRef(FutureRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    FutureRef& operator=(FutureRef other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~FutureRef() {
        if (state_ != nullptr) state_->release();
    }

    [[nodiscard]] FutureState& get() const {
        if (state_ == nullptr)
            throw InvalidStateError("the handle is empty: expected a Future or Task that was created");
        return *state_;
    }
    [[nodiscard]] FutureState* pointer() const noexcept { return state_; }

private:
    FutureState* state_ = nullptr;
};

// A function to be called, through the loop, when a future is done. Counted: the future's list or the loop's queue has
// a reference, and so has every CallbackId.
//
// Orderings
//   D1 references: relaxed in retain, acq_rel in release    the last owner sees everything before it destroys
//   D2 removed: relaxed exchange                            one remover; the list itself is FutureState's
class DoneCallback : public RemovableWaiter, public scheduler::PooledFrame {
public:
    DoneCallback(FutureState& future, scheduler::Loop& loop, const CallbackOptions& options)
        : future_(future),
          loop_(loop.shell()),
          generation_(loop_.generation()),
          context_(context_for(options.context)) {}
    DoneCallback(const DoneCallback&) = delete;
    DoneCallback& operator=(const DoneCallback&) = delete;

    // Rule 38: queued by itself, never inline; call_soon callbacks stay on their loop.
    void wake() noexcept final {
        future_.retain();  // a callback may be the last that knows it
        if (scheduler::schedule_on(*this, loop_, generation_) == scheduler::Sent::closed) drop();
    }
    void abandon() noexcept final {
        destroy_callable();
        release();
    }
    void drop() noexcept final {
        future_.release();
        abandon();
    }
    void run() noexcept final {
        {
            const ContextEntry entry(context_);  // also of the report: rule 23
            try {
                call(FutureRef(&future_));
            } catch (...) {
                scheduler::report_callback_exception(std::current_exception());
            }
        }
        abandon();
    }

    // Takes it out of `future`'s list. Returns false if it is not there (any more).
    [[nodiscard]] bool remove_from(FutureState& future) noexcept {
        if (&future != &future_ || future.done() || removed_.exchange(true, std::memory_order_relaxed))
            return false;  // D2
        if (!future.remove_waiter(*this)) return false;
        abandon();
        return true;
    }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // D1
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // D1
    }

protected:
    virtual ~DoneCallback() = default;
    virtual void call(FutureRef future) = 0;
    virtual void destroy_callable() noexcept = 0;

private:
    FutureState& future_;
    scheduler::Shell& loop_;
    const std::uint32_t generation_;
    ContextSlot context_;
    scheduler::LoneAtomic<std::uint32_t> references_{1};
    scheduler::LoneAtomic<bool> removed_{false};
};

template <class Handle, class F>
class DoneCallbackOf final : public DoneCallback {
public:
    DoneCallbackOf(FutureState& future, F fn, scheduler::Loop& loop, const CallbackOptions& options)
        : DoneCallback(future, loop, options), fn_(std::move(fn)) {}

private:
    void call(FutureRef future) override { std::invoke(*fn_, Handle(std::move(future))); }
    void destroy_callable() noexcept override { fn_.reset(); }

    std::optional<F> fn_;
};

}  // namespace sync

// Names one registration of add_done_callback, for remove_done_callback.
class CallbackId {
public:
    CallbackId() = default;
    explicit CallbackId(sync::DoneCallback& callback) noexcept : callback_(&callback) { callback.retain(); }
    CallbackId(const CallbackId& other) noexcept : callback_(other.callback_) {
        if (callback_ != nullptr) callback_->retain();
    }
    CallbackId(CallbackId&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
    CallbackId& operator=(CallbackId other) noexcept {
        std::swap(callback_, other.callback_);
        return *this;
    }
    ~CallbackId() {
        if (callback_ != nullptr) callback_->release();
    }

    explicit operator bool() const noexcept { return callback_ != nullptr; }
    friend bool operator==(const CallbackId& a, const CallbackId& b) noexcept { return a.callback_ == b.callback_; }
    [[nodiscard]] std::size_t hash() const noexcept { return std::hash<void*>()(callback_); }

private:
    friend class sync::AnyHandle;
    sync::DoneCallback* callback_ = nullptr;
};

namespace sync {

// Where a done callback runs: on the running loop, outside of loops on the future's own.
// Throws std::runtime_error if there is neither.
[[nodiscard]] inline scheduler::Loop& callback_loop(const FutureState& state) {
    scheduler::Loop* here = scheduler::current_loop();
    return here != nullptr ? *here : state.loop();
}

// Registers fn(handle), to be called on `loop`.
template <class Handle, class F>
CallbackId add_done_callback(FutureState& state, F fn, scheduler::Loop& loop, const CallbackOptions& options = {}) {
    auto* callback = new DoneCallbackOf<Handle, F>(state, std::move(fn), loop, options);
    CallbackId id(*callback);
    if (state.add_waiter(*callback) == FutureState::Add::already_done) callback->wake();  // rule 39
    return id;
}

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
