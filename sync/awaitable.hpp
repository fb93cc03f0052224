// Awaitable: what co_await takes; and how any of it becomes a Coro, so that create_task, gather and the others take
// everything that can be awaited.
#pragma once

#include <concepts>
#include <coroutine>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "sync/coro.hpp"
#include "sync/future.hpp"

namespace weft {

namespace sync {

template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
    if constexpr (HasMemberAwait<A>) {
        return std::forward<A>(awaitable).operator co_await();
    } else {
        return std::forward<A>(awaitable);
    }
}

template <class A>
concept IsAwaiter = requires(A& a) {
    { a.await_ready() } -> std::convertible_to<bool>;
    a.await_resume();
};

template <class A>
inline constexpr bool kIsCoro = false;
template <class T>
inline constexpr bool kIsCoro<Coro<T>> = true;

// For the static_assert of an overload that exists to be refused with a readable reason.
template <class>
inline constexpr bool kRejected = false;

template <class A>
inline constexpr bool kIsHandle = std::derived_from<A, AnyHandle>;

}  // namespace sync

template <class A>
concept Awaitable = requires(A&& a) {
    { sync::awaiter_of(std::forward<A>(a)) } -> sync::IsAwaiter;
};

template <class A>
using AwaitResult = std::remove_cvref_t<decltype(sync::awaiter_of(std::declval<A>()).await_resume())>;

namespace sync {

// What it gives was taken from somewhere (a lock, a queue) and would be lost with a result that is thrown away: a task of
// it that has returned is not cancelled by a request of another thread that came too late for the wait.
template <class A>
concept Takes = A::kTakes;

struct KeepValue {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) const noexcept {
        PromiseBase& promise = self.promise();
        if (promise.returns() == PromiseBase::Returns::to_task) promise.task().keep_value();
        return false;
    }
    void await_resume() const noexcept {}
};

template <class A>
Coro<AwaitResult<A>> await_in_coro(A awaitable) {
    if constexpr (Takes<A>) co_await KeepValue();
    co_return co_await std::move(awaitable);
}

template <class A>
Coro<AwaitResult<A>> to_coro(A&& awaitable) {
    using Plain = std::remove_cvref_t<A>;
    if constexpr (kIsCoro<Plain>) {
        static_assert(std::is_rvalue_reference_v<A&&>, "a named Coro must be given away: write std::move(coro)");
        return std::forward<A>(awaitable);
    } else {
        return await_in_coro<Plain>(std::forward<A>(awaitable));
    }
}

// Where a new task begins.
struct Placement {
    scheduler::Loop* home;
    scheduler::Affinity affinity;
};

// `named`: the loop that the caller asked for, or null; `any`: it asked for any loop.
// Throws std::runtime_error "no running event loop" or "Event loop is closed".
[[nodiscard]] inline Placement place(scheduler::Loop* named, bool any) {
    if (named != nullptr) {
        if (named->closed()) throw std::runtime_error("Event loop is closed");
        return {named, scheduler::Affinity::pinned};
    }
    scheduler::Loop& here = require_loop();
    const TaskState* creator = current().task;
    const bool pinned = !any && creator != nullptr && creator->affinity() == scheduler::Affinity::pinned;
    return {&here, pinned ? scheduler::Affinity::pinned : scheduler::Affinity::stealable};
}

}  // namespace sync

}  // namespace weft
