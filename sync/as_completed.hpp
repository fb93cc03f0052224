// as_completed: the outcomes of several awaitables in the order in which they come. Rules 175 to 180.
//
//     for (auto next : as_completed(coros_or_handles, 5s)) use(co_await next);       // each gives the next outcome
//     auto ended = as_completed(tasks);
//     while (auto task = co_await ended.next()) use(task->result());                  // each gives the next handle
//
// Invariant: each member enters the queue of the done once, or counts as timed out; a getter that is woken takes the
// first of the queue when it runs, and one that is cancelled after its wake passes it on, as asyncio's Queue does.
//
// Everything is under one mutex; futures are completed outside of it.
#pragma once

#include <cstddef>
#include <deque>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "scheduler/handle.hpp"
#include "sync/awaitable.hpp"
#include "sync/coro.hpp"
#include "sync/duplicates.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"
#include "sync/watcher.hpp"

namespace weft {

namespace sync {

class Completions;

// One member, and its place in that member's list.
class CompletionMember final : public Watcher {
public:
    explicit CompletionMember(FutureRef future) noexcept : future_(std::move(future)) {}
    // Only before it is registered.
    CompletionMember(CompletionMember&& other) noexcept : Watcher(), future_(std::move(other.future_)) {}

    void abandon() noexcept override;

private:
    friend class Completions;

    [[nodiscard]] const WatchHome& home() const noexcept override;
    void ended() noexcept override;

    FutureRef future_;
    std::shared_ptr<Completions> owner_;  // while it is registered
    bool counted_ = true;                 // neither done nor timed out
};

class Completions : public std::enable_shared_from_this<Completions> {
public:
    explicit Completions(std::vector<CompletionMember> members)
        : members_(std::move(members)), todo_(members_.size()), left_(members_.size()), home_(require_loop()) {}

    void watch(std::optional<Duration> timeout);
    // Takes the watchers out of the members' lists.
    void leave() noexcept;

    // One fewer to be asked for; false if there is none.
    [[nodiscard]] bool ask() noexcept;
    [[nodiscard]] std::size_t left() noexcept;

    // Returns the next member that is done. Throws TimeoutError for each that is not in time.
    Coro<FutureRef> get();

private:
    friend class CompletionMember;
    class Getting;

    void member_done(CompletionMember& member) noexcept;
    void expire() noexcept;
    void wake_next() noexcept;
    [[nodiscard]] std::optional<FutureRef> try_take();

    scheduler::Mutex mutex_;
    std::vector<CompletionMember> members_;
    std::deque<FutureRef> done_;  // an empty one: a member timed out
    std::deque<FutureRef> getters_;
    TimerHandle timer_;
    std::size_t todo_;
    std::size_t left_;  // the iteration's
    const WatchHome home_;
};

// What the iteration holds: when it is left, nothing of it stays in the members.
class Iterating {
public:
    explicit Iterating(std::shared_ptr<Completions> completions) : completions_(std::move(completions)) {}
    Iterating(const Iterating&) = delete;
    Iterating& operator=(const Iterating&) = delete;
    ~Iterating() { completions_->leave(); }

    [[nodiscard]] Completions& operator*() const noexcept { return *completions_; }

private:
    std::shared_ptr<Completions> completions_;
};

template <class T>
Coro<T> next_outcome(std::shared_ptr<Iterating> iterating) {
    const FutureRef ref = co_await (**iterating).get();
    FutureState& state = ref.get();
    state.check();
    state.mark_retrieved();
    co_return read_value<T>(state, false);
}

template <class H>
Coro<std::optional<H>> next_handle(std::shared_ptr<Iterating> iterating) {
    if (!(**iterating).ask()) co_return std::nullopt;
    co_return H(co_await (**iterating).get());
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
            (void)(**of_->iterating_).ask();
            return sync::next_outcome<Value>(of_->iterating_);
        }
        Iterator& operator++() { return *this; }
        void operator++(int) {}
        friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.at_end(); }

    private:
        [[nodiscard]] bool at_end() const { return (**of_->iterating_).left() == 0; }

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
    std::vector<sync::CompletionMember> members;
    for (const H& handle : handles) members.emplace_back(handle.ref());
    const auto completions = std::make_shared<sync::Completions>(std::move(members));
    completions->watch(timeout);
    return AsCompleted<H>(std::make_shared<sync::Iterating>(completions));
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
