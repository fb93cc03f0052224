// as_completed: the outcomes of several awaitables in the order in which they come. Rules 175 to 180.
//
//     for (auto next : as_completed(coros_or_handles, 5s)) use(co_await next);       // each gives the next outcome
//     auto ended = as_completed(tasks);
//     while (auto task = co_await ended.next()) use(task->result());                  // each gives the next handle
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "scheduler/clock.hpp"
#include "sync/awaitable.hpp"
#include "sync/coro.hpp"
#include "sync/duplicates.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"

namespace weft {

namespace sync {

class Completions;

// What the iteration holds: when it is left, nothing of it stays in the members.
class Iterating {
public:
    // The timeout counts from now.
    Iterating(const std::vector<FutureState*>& members, std::optional<Duration> timeout);
    Iterating(const Iterating&) = delete;
    Iterating& operator=(const Iterating&) = delete;
    ~Iterating();

    // One fewer to be asked for; false if there is none.
    [[nodiscard]] bool ask() noexcept;
    [[nodiscard]] std::size_t left() const noexcept;

    // Returns the next member that is done. Throws TimeoutError for each that is not in time. Stays alive meanwhile.
    [[nodiscard]] Coro<FutureRef> get();

private:
    std::shared_ptr<Completions> completions_;
};

template <class T>
Coro<T> next_outcome(std::shared_ptr<Iterating> iterating) {
    const FutureRef ref = co_await iterating->get();
    FutureState& state = ref.get();
    state.check();
    state.mark_retrieved();
    co_return read_value<T>(state, false);
}

template <class H>
Coro<std::optional<H>> next_handle(std::shared_ptr<Iterating> iterating) {
    if (!iterating->ask()) co_return std::nullopt;
    co_return H(co_await iterating->get());
}

}  // namespace sync

// H: the type of the handles. Copies are the same iteration.
template <class H>
class AsCompleted {
public:
    using Value = AwaitResult<H>;

    explicit AsCompleted(std::shared_ptr<sync::Iterating> iterating) : iterating_(std::move(iterating)) {}

    // Returns, when awaited, the next handle that is done; none after the last.
    // Throws TimeoutError once for each that was not done in time.
    [[nodiscard]] Coro<std::optional<H>> next() { return sync::next_handle<H>(iterating_); }

    class Iterator {
    public:
        using value_type = Coro<Value>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        explicit Iterator(const AsCompleted& of) : of_(&of) {}
        // Each call gives another outcome, which counts as asked for even if the loop is left behind it.
        [[nodiscard]] Coro<Value> operator*() const {
            (void)of_->iterating_->ask();
            return sync::next_outcome<Value>(of_->iterating_);
        }
        Iterator& operator++() { return *this; }
        void operator++(int) {}
        friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.at_end(); }

    private:
        [[nodiscard]] bool at_end() const { return of_->iterating_->left() == 0; }

        const AsCompleted* of_;
    };

    // A second iteration goes on where the first one was left.
    [[nodiscard]] Iterator begin() const { return Iterator(*this); }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

private:
    std::shared_ptr<sync::Iterating> iterating_;
};

// Starts all; the timeout counts from the call. Leaving the iteration early cancels nothing.
template <class A>
    requires Awaitable<A>
[[nodiscard]] auto as_completed(std::vector<A> awaitables, std::optional<Duration> timeout = std::nullopt) {
    using H = decltype(ensure_future(std::declval<A>()));
    std::vector<H> handles;
    handles.reserve(awaitables.size());
    for (A& awaitable : awaitables) handles.push_back(ensure_future(std::move(awaitable)));
    sync::drop_duplicates(handles);
    return AsCompleted<H>(std::make_shared<sync::Iterating>(sync::states_of(handles), timeout));
}
template <std::ranges::input_range Handles>
    requires sync::kIsHandle<std::ranges::range_value_t<Handles>>
[[nodiscard]] auto as_completed(Handles&& handles, std::optional<Duration> timeout = std::nullopt) {
    std::vector<std::ranges::range_value_t<Handles>> given;
    for (auto&& handle : handles) given.push_back(handle);
    return as_completed(std::move(given), timeout);
}
template <class H>
    requires sync::kIsHandle<H>
[[nodiscard]] auto as_completed(std::initializer_list<H> handles, std::optional<Duration> timeout = std::nullopt) {
    return as_completed(std::vector<H>(handles), timeout);
}

// Not a copy: a Coro can be started once.
template <class T>
void as_completed(std::vector<Coro<T>>&, std::optional<Duration> = std::nullopt) {
    static_assert(sync::kRejected<T>, "a named vector of Coros must be given away: write std::move(coros)");
}

}  // namespace weft
