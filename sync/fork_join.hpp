// fork_join: runs coroutines as branches and waits for all of them: for computation. A branch costs no allocation
// beyond its frame and becomes a task only if it must (see branch.hpp).
//
//     auto [a, b] = co_await fork_join(fib(n - 1), fib(n - 2));
//     std::vector<long> sums = co_await fork_join(std::move(parts));
//
// All branches are waited for; then the first exception in argument order is rethrown.
// Cancel: goes to every branch that is a task; one that runs sees it at its first suspension, one that has not begun
// never starts; CancelledError is raised when all have ended, even if they swallowed it.
// Thread: branches run on any loop of the group unless the forking task is pinned; then on its loop.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sync/awaitable.hpp"
#include "sync/branch.hpp"
#include "sync/coro.hpp"

namespace weft {

namespace sync {

template <class T>
using NonVoid = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
NonVoid<T> take_result(PromiseBase& root) {
    auto& promise = static_cast<typename Coro<T>::promise_type&>(root);
    if constexpr (std::is_void_v<T>) {
        promise.take();
        return {};
    } else {
        return promise.take();
    }
}

// What the tuple and the range form share: the join, and the end of it in the resumed parent.
class ForkJoinBase {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    Transfer await_suspend(std::coroutine_handle<Promise> parent) {
        return join_.fork(parent.promise());
    }

protected:
    ForkJoinBase(Branch* first, std::uint32_t count) noexcept : join_(first, count) {}

    // Every branch has ended. Before the results are taken.
    void check_cancelled() {
        if constexpr (kProfiled) join_.tally_branches();
        join_.deliver_cancel();
    }
    // After all results were taken without a throw.
    void check_swallowed() const {
        if (join_.cancelled()) [[unlikely]]
            throw CancelledError();
    }

    Join join_;
};

template <class... Ts>
class ForkJoinTuple : public ForkJoinBase {
public:
    [[gnu::always_inline]] explicit ForkJoinTuple(Coro<Ts>&... coros)
        : ForkJoinTuple(std::index_sequence_for<Ts...>(), coros...) {}

    [[gnu::always_inline]] std::tuple<NonVoid<Ts>...> await_resume() {
        check_cancelled();
        return take(std::index_sequence_for<Ts...>());
    }

private:
    template <std::size_t... I>
    [[gnu::always_inline]] ForkJoinTuple(std::index_sequence<I...>, Coro<Ts>&... coros)
        : ForkJoinBase(branches_, sizeof...(Ts)),
          branches_{Branch(coros.give_away(), join_, I + 1 == sizeof...(Ts))...} {}

    template <std::size_t... I>
    [[gnu::always_inline]] std::tuple<NonVoid<Ts>...> take(std::index_sequence<I...>) {
        // Braces: in argument order, so that the first failure is the one that is thrown.
        std::tuple<NonVoid<Ts>...> results{take_result<Ts>(branches_[I].root())...};
        check_swallowed();
        return results;
    }

    Branch branches_[sizeof...(Ts)];
};

template <class T>
class ForkJoinRange : public ForkJoinBase {
public:
    using Result = std::conditional_t<std::is_void_v<T>, void, std::vector<NonVoid<T>>>;

    explicit ForkJoinRange(std::vector<Coro<T>>& coros)
        : ForkJoinBase(allocate(coros.size()), static_cast<std::uint32_t>(coros.size())), count_(coros.size()) {
        Branch* branch = first_;
        for (Coro<T>& coro : coros) {
            if (!coro) [[unlikely]]
                refuse(branch);
            std::construct_at(branch++, coro.give_away(), join_, &coro == &coros.back());
        }
    }
    ForkJoinRange(const ForkJoinRange&) = delete;
    ForkJoinRange& operator=(const ForkJoinRange&) = delete;
    ~ForkJoinRange() { destroy(first_ + count_); }

    [[nodiscard]] bool await_ready() const noexcept { return count_ == 0; }

    Result await_resume() {
        if (count_ == 0) return Result();  // it did not fork
        check_cancelled();
        if constexpr (std::is_void_v<T>) {
            for (std::size_t i = 0; i < count_; ++i) take_result<T>(first_[i].root());
            check_swallowed();
        } else if constexpr (std::is_trivially_default_constructible_v<T> && std::is_trivially_copyable_v<T>) {
            Result results(count_);  // cheaper than asking for room for each
            for (std::size_t i = 0; i < count_; ++i) results[i] = take_result<T>(first_[i].root());
            check_swallowed();
            return results;
        } else {
            Result results;
            results.reserve(count_);
            for (std::size_t i = 0; i < count_; ++i) results.push_back(take_result<T>(first_[i].root()));
            check_swallowed();
            return results;
        }
    }

private:
    Branch* allocate(std::size_t count) {
        first_ = count == 0 ? nullptr : static_cast<Branch*>(scheduler::allocate_frame(count * sizeof(Branch)));
        return first_;
    }
    void destroy(Branch* end) noexcept {
        if (first_ == nullptr) return;
        std::destroy(first_, end);
        scheduler::deallocate_frame(first_, count_ * sizeof(Branch));
    }
    [[noreturn, gnu::cold, gnu::noinline]] void refuse(Branch* end) {
        destroy(end);
        throw_empty_coro();
    }

    std::size_t count_;
    Branch* first_;
};

}  // namespace sync

// Returns, when awaited, a tuple; std::monostate for void. Throws InvalidStateError now for an empty Coro.
// Cost: a few plain stores per branch, none of them atomic, as long as nothing is stolen and nothing suspends.
template <class... Ts>
    requires(sizeof...(Ts) >= 1)
[[nodiscard, gnu::always_inline]] inline auto fork_join(Coro<Ts>... coros) {
    return sync::ForkJoinTuple<Ts...>(coros...);
}

// Returns, when awaited, a vector in argument order; nothing for void.
template <class T>
[[nodiscard]] auto fork_join(std::vector<Coro<T>> coros) {
    return sync::ForkJoinRange<T>(coros);
}

}  // namespace weft
