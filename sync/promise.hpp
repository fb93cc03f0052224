// Promise: what every weft coroutine's frame begins with: to whom it returns, and its result.
//
// A coroutine returns to exactly one of three: the coroutine that awaits it directly (by transfer), the join of the
// fork_join that it is a branch of, or the task whose body it is. One tagged word says which; null before it starts.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

#include "scheduler/frame_memory.hpp"
#include "sync/transfer.hpp"

namespace weft::sync {

class PromiseBase;
class TaskState;
class Branch;

// The awaiting side of `co_await coro`, in the frame of the awaiting coroutine.
class Call {
public:
    explicit Call(PromiseBase* callee) noexcept : callee_(callee) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call();

    PromiseBase* caller_ = nullptr;
    PromiseBase* callee_;  // owned; null once destroyed
};

template <class A>
concept HasMemberAwait = requires(A&& a) { static_cast<A&&>(a).operator co_await(); };
template <class A>
concept HasFreeAwait = requires(A&& a) { operator co_await(static_cast<A&&>(a)); };

template <class A>
concept IsPlainAwaiter = !HasMemberAwait<A> && !HasFreeAwait<A> && requires(A& a) { a.await_ready(); };

// g++ 12.2 copies the awaiter that await_transform passes on, which is not to be moved.
#if defined(__clang__)
inline constexpr bool kCopiesAwaiters = false;
#else
inline constexpr bool kCopiesAwaiters = true;
#endif

// Stands for such an awaiter.
template <class A>
class AwaiterRef {
public:
    explicit AwaiterRef(A& awaiter) noexcept : awaiter_(awaiter) {}
    [[nodiscard]] bool await_ready() const { return awaiter_.await_ready(); }
    template <class Promise>
    decltype(auto) await_suspend(std::coroutine_handle<Promise> caller) const {
        return awaiter_.await_suspend(caller);
    }
    decltype(auto) await_resume() const { return awaiter_.await_resume(); }

private:
    A& awaiter_;
};

class PromiseBase : public scheduler::PooledFrame {
public:
    PromiseBase() = default;
    PromiseBase(const PromiseBase&) = delete;
    PromiseBase& operator=(const PromiseBase&) = delete;

    // Valid because every promise begins with its PromiseBase and is aligned to at most 16: both compilers put a
    // promise right behind the frame's two function pointers. Checked in CoroPromise and by a test.
    [[nodiscard]] std::coroutine_handle<> handle() noexcept {
        return std::coroutine_handle<PromiseBase>::from_promise(*this);
    }

    enum class Returns : std::uintptr_t { to_call = 0, to_branch = 1, to_task = 2 };

    void return_to(Call& call) noexcept { returns_to_ = reinterpret_cast<std::uintptr_t>(&call); }
    void return_to(Branch& branch) noexcept {
        returns_to_ = reinterpret_cast<std::uintptr_t>(&branch) | static_cast<std::uintptr_t>(Returns::to_branch);
    }
    void return_to(TaskState& task) noexcept {
        returns_to_ = reinterpret_cast<std::uintptr_t>(&task) | static_cast<std::uintptr_t>(Returns::to_task);
    }

    [[nodiscard]] Returns returns() const noexcept { return static_cast<Returns>(returns_to_ & 3); }
    [[nodiscard]] bool returns_to_branch() const noexcept {
        return (returns_to_ & static_cast<std::uintptr_t>(Returns::to_branch)) != 0;
    }
    [[nodiscard]] Call& call() const noexcept { return *reinterpret_cast<Call*>(returns_to_); }
    [[nodiscard]] Branch& branch() const noexcept {
        return *reinterpret_cast<Branch*>(returns_to_ - static_cast<std::uintptr_t>(Returns::to_branch));
    }
    [[nodiscard]] TaskState& task() const noexcept {
        return *reinterpret_cast<TaskState*>(returns_to_ - static_cast<std::uintptr_t>(Returns::to_task));
    }

    // Notes where the coroutine awaits, for whoever asks where a task stands or how an exception left it.
    // Cost: one store of a constant.
    template <class A>
    decltype(auto) await_transform(A&& awaitable,
                                   std::source_location where = std::source_location::current()) noexcept {
        site_ = where;
        if constexpr (kCopiesAwaiters && IsPlainAwaiter<A>) {
            return AwaiterRef<std::remove_reference_t<A>>(awaitable);
        } else {
            return static_cast<A&&>(awaitable);
        }
    }

    // The coroutine's last await, where it is suspended if it is; unknown before the first.
    [[nodiscard]] const std::source_location& site() const noexcept { return site_; }

    // The coroutine to which this one returns, also out of a branch; null for a task's own. Only while it is suspended.
    [[nodiscard]] PromiseBase* caller() const noexcept;

    std::suspend_always initial_suspend() noexcept { return {}; }
    struct FinalSuspend;
    FinalSuspend final_suspend() noexcept;

    // Stores only: rethrowing here would be undefined for both compilers in some shapes.
    void unhandled_exception() noexcept {
        failure_ = std::current_exception();
        trace_failure();
    }

    // Null if the coroutine returned normally.
    std::exception_ptr failure_;

protected:
    // In the coroutine that awaited this one, or joined it.
    [[noreturn]] void rethrow_failure();

private:
    void trace_failure() const noexcept;

    std::uintptr_t returns_to_ = 0;
    std::source_location site_;
};

// Destroys a suspended chain of calls from its innermost coroutine outwards up to and including the one that was not
// called, in constant stack space: the order in which unwinding would have destroyed it.
void destroy_chain(PromiseBase& innermost) noexcept;

inline Call::~Call() {
    if (callee_ != nullptr) callee_->handle().destroy();
}

template <class T>
class CoroPromise : public PromiseBase {
public:
    CoroPromise() noexcept {}
    ~CoroPromise() {
        if constexpr (kHasEnd) {  // else nobody asks
            if (has_value_) std::destroy_at(&value_);
        }
    }

    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
        std::construct_at(&value_, std::forward<U>(value));
        if constexpr (kHasEnd) has_value_ = true;
    }

    // Throws what the coroutine threw.
    T take() {
        if (failure_ != nullptr) [[unlikely]]
            rethrow_failure();
        return std::move(value_);
    }

    // Moves the value to where a task keeps it. Only if failure_ is null.
    void move_value_to(void* destination) { ::new (destination) T(std::move(value_)); }

private:
    static constexpr bool kHasEnd = !std::is_trivially_destructible_v<T>;
    struct Nothing {};

    union {
        T value_;
    };
    [[no_unique_address]] std::conditional_t<kHasEnd, bool, Nothing> has_value_{};
};

template <>
class CoroPromise<void> : public PromiseBase {
public:
    void return_void() noexcept {}

    void take() {
        if (failure_ != nullptr) [[unlikely]]
            rethrow_failure();
    }

    void move_value_to(void*) noexcept {}
};

}  // namespace weft::sync
