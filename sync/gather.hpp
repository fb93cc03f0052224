// gather: many awaitables at once, their results in argument order.
//
// Returns a Future, not a coroutine: the children start even if it is never awaited. Without return_exceptions the
// first child to fail fails the gather at once; the others run on. A cancelled gather asks every child to cancel and
// ends when they have. Rules 108 to 123.
//
// Invariant: the outer future is completed by the first child that fails (without return_exceptions), or by who brings
// `unfinished_` to zero: the last child, or a canceller, which counts as one more child for as long as it asks the others.
// So nobody finishes while it is open whether a request was accepted, and what cancel() says is what the gather does.
//
//     unfinished:  n children --cancel, not at zero: + 1--> asking --told all: - 1--> ... --the last: - 1--> zero: finish
//
// Orderings
//   G1 unfinished: acq_rel sub    who finishes sees what all children ended with, and whether a request was accepted
//
// Rejected: a flag that a canceller sets before it asks and withdraws when nobody accepts: the last child may read it in
// between, and one of two cancellers withdraws the flag of the other (both were found by a model).
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "sync/awaitable.hpp"
#include "sync/fork_join.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"
#include "sync/watcher.hpp"

namespace weft {

struct ReturnExceptions {};
// gather(return_exceptions, ...): failures and cancellations are results, too.
inline constexpr ReturnExceptions return_exceptions{};

// How one child of a gather ended.
template <class T>
class Outcome {
public:
    explicit Outcome(sync::NonVoid<T> value) : value_(std::move(value)) {}
    Outcome(std::exception_ptr exception, bool cancelled) : exception_(std::move(exception)), cancelled_(cancelled) {}

    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
    // Returns null for a value, the CancelledError of a cancelled child.
    [[nodiscard]] const std::exception_ptr& exception() const noexcept { return exception_; }
    // Throws exception() if there is no value.
    [[nodiscard]] const sync::NonVoid<T>& value() const& {
        if (!value_) std::rethrow_exception(exception_);
        return *value_;
    }
    [[nodiscard]] sync::NonVoid<T>&& value() && {
        if (!value_) std::rethrow_exception(exception_);
        return std::move(*value_);
    }

private:
    std::optional<sync::NonVoid<T>> value_;
    std::exception_ptr exception_;
    bool cancelled_ = false;
};

namespace sync {

class GatherBase;

// One child of a gather, and its place in that child's list of waiters.
class GatherChild final : public Watcher {
public:
    GatherChild(FutureRef child, bool made_here) : child_(std::move(child)), made_here_(made_here) {}
    // Only before it is registered.
    GatherChild(GatherChild&& other) noexcept
        : Watcher(), child_(std::move(other.child_)), made_here_(other.made_here_) {}

    void abandon() noexcept override;

    [[nodiscard]] FutureState& state() const { return child_.get(); }

    // Nobody else can have a handle to a child that gather made itself.
    template <class T>
    NonVoid<T> take() const {
        if constexpr (std::is_void_v<T>) {
            return {};
        } else {
            return read_value<T>(state(), made_here_);
        }
    }

private:
    friend class GatherBase;

    [[nodiscard]] const WatchHome& home() const noexcept override;
    void ended() noexcept override;

    FutureRef child_;
    GatherBase* gather_ = nullptr;
    bool made_here_;
    bool duplicate_ = false;  // of an earlier argument: it fills a slot but is not counted
};

// What does not depend on the type of the results. Each child that is counted owns a reference.
class GatherBase {
public:
    GatherBase(std::vector<GatherChild> children, bool failures_are_results);
    GatherBase(const GatherBase&) = delete;
    GatherBase& operator=(const GatherBase&) = delete;

protected:
    ~GatherBase() = default;

    // Registers with every child. The last call of the typed constructor's caller.
    void watch();
    [[nodiscard]] bool cancel_children(std::string_view message) noexcept;
    [[nodiscard]] std::uint32_t references() const noexcept { return counted_ + 1; }
    [[nodiscard]] const WatchHome& home() const noexcept { return home_; }

    [[nodiscard]] std::string words() const { return "gather of " + std::to_string(children_.size()); }
    [[nodiscard]] bool child_ends_from_outside() const noexcept;
    // The task whose failure the gather ended with. Null if there is none.
    [[nodiscard]] TaskState* failed_child() noexcept;

    virtual FutureState& outer() noexcept = 0;
    // All children are done and none failed, or failures are results. May throw.
    virtual void set_results() = 0;

    std::vector<GatherChild> children_;

private:
    friend class GatherChild;

    void child_done(FutureState& child) noexcept;
    // Returns false if all are done: then there is nobody to ask.
    [[nodiscard]] bool start_asking() noexcept;
    // One child, or a canceller, needs to be waited for no longer.
    void leave() noexcept;
    void finish() noexcept;

    std::uint32_t counted_ = 0;
    scheduler::LoneAtomic<std::uint32_t> unfinished_{0};
    scheduler::LoneAtomic<bool> cancel_accepted_{false};
    const bool return_exceptions_;
    const WatchHome home_;
};

template <class Result, class Collect>
class GatherState final : public GatherBase, public ValueFutureState<Result> {
public:
    GatherState(std::vector<GatherChild> children, bool failures_are_results, Collect collect)
        : GatherBase(std::move(children), failures_are_results),
          ValueFutureState<Result>(references()),
          collect_(std::move(collect)) {}

    static Future<Result> start(std::vector<GatherChild> children, bool failures_are_results, Collect collect) {
        auto* state = new GatherState(std::move(children), failures_are_results, std::move(collect));
        Future<Result> future{FutureRef(state)};
        state->watch();
        return future;
    }

    bool cancel(std::string_view message) noexcept override { return !this->done() && this->cancel_children(message); }

private:
    [[nodiscard]] scheduler::Shell* home_shell() const noexcept override { return &this->home().shell(); }
    FutureState& outer() noexcept override { return *this; }
    [[nodiscard]] std::string in_words() const override { return this->words(); }
    [[nodiscard]] bool ends_from_outside() const noexcept override { return this->child_ends_from_outside(); }
    [[nodiscard]] TaskState* failed_task() noexcept override { return this->failed_child(); }
    void set_results() override {
        if constexpr (std::is_void_v<Result>) {
            (void)this->try_set_value();
        } else {
            (void)this->try_set_value(collect_(this->children_));
        }
    }

    Collect collect_;
};

// ensure_future: a handle is taken as it is, anything else becomes a task.
template <class A>
GatherChild make_child(A&& awaitable) {
    if constexpr (kIsHandle<std::remove_cvref_t<A>>) {
        (void)awaitable.state();  // throws if empty
        return GatherChild(awaitable.ref(), false);
    } else {
        return GatherChild(create_task(std::forward<A>(awaitable), {.where = {}}).ref(), true);
    }
}

template <class T>
weft::Outcome<T> outcome_of(const GatherChild& child) {
    FutureState& state = child.state();
    if (state.outcome() == Outcome::value) return weft::Outcome<T>(child.take<T>());
    if (state.outcome() == Outcome::cancelled) return weft::Outcome<T>(state.cancellation(), true);
    return weft::Outcome<T>(state.failure(), false);
}

// None yet, but room for so many.
[[nodiscard]] std::vector<GatherChild> no_children(std::size_t room);

template <class... As>
std::vector<GatherChild> make_children(As&&... awaitables) {
    std::vector<GatherChild> children = no_children(sizeof...(As));
    (children.push_back(make_child(std::forward<As>(awaitables))), ...);
    return children;
}

template <class A>
std::vector<GatherChild> make_children_of(std::vector<A>& awaitables) {
    std::vector<GatherChild> children = no_children(awaitables.size());
    for (A& awaitable : awaitables) children.push_back(make_child(std::move(awaitable)));
    return children;
}

}  // namespace sync

// Returns a done future if there are no arguments.
template <class... As>
    requires(Awaitable<As> && ...)
[[nodiscard]] auto gather(As&&... awaitables) -> Future<std::tuple<sync::NonVoid<AwaitResult<As>>...>> {
    using Result = std::tuple<sync::NonVoid<AwaitResult<As>>...>;
    const auto collect = []<std::size_t... I>(const std::vector<sync::GatherChild>& children,
                                              std::index_sequence<I...>) {
        return Result{children[I].template take<AwaitResult<As>>()...};
    };
    const auto in_order = [collect](const std::vector<sync::GatherChild>& children) {
        return collect(children, std::index_sequence_for<As...>());
    };
    return sync::GatherState<Result, decltype(in_order)>::start(sync::make_children(std::forward<As>(awaitables)...),
                                                                false, in_order);
}

template <class... As>
    requires(Awaitable<As> && ...)
[[nodiscard]] auto gather(ReturnExceptions, As&&... awaitables) -> Future<std::tuple<Outcome<AwaitResult<As>>...>> {
    using Result = std::tuple<Outcome<AwaitResult<As>>...>;
    const auto collect = []<std::size_t... I>(const std::vector<sync::GatherChild>& children,
                                              std::index_sequence<I...>) {
        return Result{sync::outcome_of<AwaitResult<As>>(children[I])...};
    };
    const auto in_order = [collect](const std::vector<sync::GatherChild>& children) {
        return collect(children, std::index_sequence_for<As...>());
    };
    return sync::GatherState<Result, decltype(in_order)>::start(sync::make_children(std::forward<As>(awaitables)...),
                                                                true, in_order);
}

// The results of a vector, in its order; void for void.
template <class A>
    requires Awaitable<A>
[[nodiscard]] auto gather(std::vector<A> awaitables) {
    using T = AwaitResult<A>;
    if constexpr (std::is_void_v<T>) {
        const auto nothing = [](const std::vector<sync::GatherChild>&) {};
        return sync::GatherState<void, decltype(nothing)>::start(sync::make_children_of(awaitables), false, nothing);
    } else {
        const auto collect = [](const std::vector<sync::GatherChild>& children) {
            std::vector<T> results;
            results.reserve(children.size());
            for (const sync::GatherChild& child : children) results.push_back(child.template take<T>());
            return results;
        };
        return sync::GatherState<std::vector<T>, decltype(collect)>::start(sync::make_children_of(awaitables), false,
                                                                           collect);
    }
}

template <class A>
    requires Awaitable<A>
[[nodiscard]] auto gather(ReturnExceptions, std::vector<A> awaitables) -> Future<std::vector<Outcome<AwaitResult<A>>>> {
    using T = AwaitResult<A>;
    const auto collect = [](const std::vector<sync::GatherChild>& children) {
        std::vector<Outcome<T>> results;
        results.reserve(children.size());
        for (const sync::GatherChild& child : children) results.push_back(sync::outcome_of<T>(child));
        return results;
    };
    return sync::GatherState<std::vector<Outcome<T>>, decltype(collect)>::start(sync::make_children_of(awaitables),
                                                                                true, collect);
}

// Not a copy: a Coro can be started once.
template <class T>
void gather(std::vector<Coro<T>>&) {
    static_assert(sync::kRejected<T>, "a named vector of Coros must be given away: write std::move(coros)");
}
template <class T>
void gather(ReturnExceptions, std::vector<Coro<T>>&) {
    static_assert(sync::kRejected<T>, "a named vector of Coros must be given away: write std::move(coros)");
}

}  // namespace weft
