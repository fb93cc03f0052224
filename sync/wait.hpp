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

#include "sync/coro.hpp"
#include "sync/deadline.hpp"
#include "sync/duplicates.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"

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

// A wait for the time of a scope. Ends when the scope is left, however the await ended.
class Waiting {
public:
    Waiting(const std::vector<FutureState*>& members, ReturnWhen return_when);
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting();

    // Begins: to be called once, before the await.
    void watch();
    void set_timer(TimePoint deadline);

    FutureAwaiter<void> operator co_await() const { return FutureAwaiter<void>(state_.get()); }

private:
    FutureRef state_;
};

template <class H>
Coro<WaitResult<H>> wait_in_coro(std::vector<H> handles, Deadline deadline, ReturnWhen return_when) {
    {
        Waiting waiting(states_of(handles), return_when);
        if (const auto when = deadline.resolve()) waiting.set_timer(*when);
        waiting.watch();
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
