// wait: until the first of several handles is done, the first fails, or all are; at most for a time.
//
// It raises no member's failure and cancels no member, not even when it is cancelled itself (rule 126), and it leaves
// nothing behind: on every way out its watchers are taken out of the members' lists and its timer is disarmed
// (rule 132). Rules 124 to 132.
//
// Invariant: the waiter, a future of its own, is completed once: by the member that satisfies the condition, by the
// timer, or by the cancelled task. What is done is looked at when the task resumes (rule 129).
//
// Orderings
//   W1 unfinished: acq_rel sub    the last member's watcher sees what the others ended with
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "scheduler/handle.hpp"
#include "sync/coro.hpp"
#include "sync/deadline.hpp"
#include "sync/duplicates.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"
#include "sync/watcher.hpp"

namespace weft {

enum ReturnWhen : std::uint8_t { FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED };

struct WaitOptions {
    std::optional<Duration> timeout{};
    ReturnWhen return_when = ALL_COMPLETED;
};

// The handles given, in their order, each once.
template <class H>
struct WaitResult {
    std::vector<H> done;
    std::vector<H> pending;
};

namespace sync {

class WaitState;

// One member of a wait, and its place in that member's list.
class WaitMember final : public Watcher {
public:
    explicit WaitMember(FutureRef future) noexcept : future_(std::move(future)) {}
    // Only before it is registered.
    WaitMember(WaitMember&& other) noexcept : Watcher(), future_(std::move(other.future_)) {}

    void abandon() noexcept override;

private:
    friend class WaitState;

    [[nodiscard]] const WatchHome& home() const noexcept override;
    void ended() noexcept override;

    FutureRef future_;
    WaitState* wait_ = nullptr;
};

// The waiter. Each member's registration owns a reference.
class WaitState final : public ValueFutureState<void> {
public:
    WaitState(std::vector<WaitMember> members, ReturnWhen return_when);

    // Begins: to be called once, before the await; and ends: afterwards, however the await ended.
    void watch();
    void set_timer(TimePoint deadline);
    void leave() noexcept;

    [[nodiscard]] std::string in_words() const override { return "wait for " + std::to_string(members_.size()); }
    [[nodiscard]] bool ends_from_outside() const noexcept override;

private:
    friend class WaitMember;

    void member_done(FutureState& member) noexcept;

    std::vector<WaitMember> members_;
    TimerHandle timer_;
    scheduler::LoneAtomic<std::size_t> unfinished_;
    const WatchHome home_;
    const ReturnWhen return_when_;
};

// A wait for the time of a scope.
class Waiting {
public:
    Waiting(std::vector<WaitMember> members, ReturnWhen return_when)
        : state_(new WaitState(std::move(members), return_when)), ref_(state_) {}
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { state_->leave(); }

    [[nodiscard]] WaitState& state() const noexcept { return *state_; }
    FutureAwaiter<void> operator co_await() const { return FutureAwaiter<void>(*state_); }

private:
    WaitState* state_;
    FutureRef ref_;
};

template <class H>
Coro<WaitResult<H>> wait_in_coro(std::vector<H> handles, Deadline deadline, ReturnWhen return_when) {
    {
        std::vector<WaitMember> members;
        members.reserve(handles.size());
        for (const H& handle : handles) members.emplace_back(handle.ref());
        Waiting waiting(std::move(members), return_when);
        if (const auto when = deadline.resolve()) waiting.state().set_timer(*when);
        waiting.state().watch();
        co_await waiting;
    }
    WaitResult<H> result;
    for (H& handle : handles) {
        const bool done = handle.done();
        (done ? result.done : result.pending).push_back(std::move(handle));
    }
    co_return result;
}

// Cancels `future` and waits for its end; the wait itself can be cancelled.
Coro<> cancel_and_wait(FutureRef future);

}  // namespace sync

// Throws std::invalid_argument if there are no handles, InvalidStateError if one is empty.
// Cancel: the members are left alone. The timeout counts from the call.
template <class H>
    requires sync::kIsHandle<H>
[[nodiscard]] Coro<WaitResult<H>> wait(std::vector<H> handles, WaitOptions options = {}) {
    if (handles.empty()) throw std::invalid_argument("Set of Tasks/Futures is empty.");
    if (options.return_when > ALL_COMPLETED) {
        throw std::invalid_argument("Invalid return_when value: " + std::to_string(options.return_when));
    }
    sync::drop_duplicates(handles);
    return sync::wait_in_coro<H>(std::move(handles), sync::Deadline::after(options.timeout), options.return_when);
}
template <std::ranges::input_range Handles>
    requires sync::kIsHandle<std::ranges::range_value_t<Handles>>
[[nodiscard]] auto wait(Handles&& handles, WaitOptions options = {}) {
    std::vector<std::ranges::range_value_t<Handles>> given;
    for (auto&& handle : handles) given.push_back(handle);
    return wait(std::move(given), options);
}
template <class H>
    requires sync::kIsHandle<H>
[[nodiscard]] Coro<WaitResult<H>> wait(std::initializer_list<H> handles, WaitOptions options = {}) {
    return wait(std::vector<H>(handles), options);
}

// Rule 124.
template <class T>
void wait(const std::vector<Coro<T>>&, WaitOptions = {}) {
    static_assert(sync::kRejected<T>, "wait takes handles: make tasks of the Coros first");
}

}  // namespace weft
