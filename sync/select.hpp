// select: waits until one of several things can be had, and takes it and nothing else.
//
//     auto first = co_await weft::select(jobs.get(), stop.wait());
//     if (first.index() == 0) work(std::get<0>(first));
//
// Invariant: one of the attempts succeeds; what the others would have taken stays where it is, and a notification that
// the task does not use goes to the next in that line. What can be had at once is looked for in the order given; once
// it waits, whoever notifies it first is looked at first.
//
//     attempts in order --one succeeds--> done
//           '--none--> in all lines (lines.hpp) --woken--> the attempt of that line, then again from the start
//
// An item that was to be put and was not ends with the select; so does the select with what an attempt throws: a queue that
// is shut down and empty throws QueueShutDown though another has items.
//
// Rejected: Go's random choice (starves nobody, but gives up priority and repeatable tests); locks and permits (they are
// handed over to who is in line: to be had without having been taken is not known to them; use wait_for).
// Source: Go's select; tokio's select! with `biased`.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "sync/in_turn.hpp"
#include "sync/lines.hpp"
#include "sync/notified.hpp"

namespace weft {

namespace sync {

// See in_turn.hpp.
template <class A>
concept Selectable = requires(A& attempt) {
    { attempt.attempt() } -> std::convertible_to<bool>;
    { attempt.attempt_woken() } -> std::convertible_to<bool>;
    { attempt.line() } -> std::derived_from<Notified>;
    attempt.result();
};

template <class A>
using ResultOf = decltype(std::declval<A&>().result());
template <class A>
using Selected = std::conditional_t<std::is_void_v<ResultOf<A>>, std::monostate, std::remove_cvref_t<ResultOf<A>>>;

// A place in the line of each attempt, made where it stays.
template <class... Attempts>
class PlacesOf {
protected:
    explicit PlacesOf(std::tuple<Attempts...>& attempts) : PlacesOf(attempts, std::index_sequence_for<Attempts...>()) {}
    PlacesOf(const PlacesOf&) = delete;
    PlacesOf& operator=(const PlacesOf&) = delete;
    ~PlacesOf() = default;

    [[nodiscard]] std::span<Notified* const> all() const noexcept { return all_; }

private:
    template <class Attempt>
    struct Place {
        explicit Place(Attempt& attempt) : line(attempt.line()) {}
        decltype(std::declval<Attempt&>().line()) line;
    };

    template <std::size_t... kIndex>
    PlacesOf(std::tuple<Attempts...>& attempts, std::index_sequence<kIndex...>)
        : places_(std::get<kIndex>(attempts)...), all_{&std::get<kIndex>(places_).line...} {}

    std::tuple<Place<Attempts>...> places_;
    const std::array<Notified*, sizeof...(Attempts)> all_;
};

// An attempt itself.
template <class... Attempts>
class Selection {
public:
    using Result = std::variant<Selected<Attempts>...>;

    explicit Selection(Attempts&&... attempts) : attempts_(std::move(attempts)...) {}

    [[nodiscard]] bool attempt() {
        return first([](auto& each, std::size_t) { return each.attempt(); });
    }
    [[nodiscard]] bool attempt_woken() {
        // One line only has woken the task, in place of others that wait there: unless it is looked at, nobody may.
        return first([this](auto& each, std::size_t i) { return left_[i] == Left::woken && each.attempt_woken(); }) ||
               first([this](auto& each, std::size_t i) {
                   return left_[i] == Left::passed_by ? each.attempt_woken() : each.attempt();
               });
    }
    class AllLines;
    [[nodiscard]] AllLines line();
    [[nodiscard]] Result result() { return result_of<0>(); }

private:
    template <class Attempt>
    bool first(Attempt attempt) {
        chosen_ = 0;
        return std::apply([&](auto&... each) { return ((attempt(each, chosen_) || (++chosen_, false)) || ...); },
                          attempts_);
    }

    template <std::size_t kIndex>
    Result result_of() {
        if constexpr (kIndex + 1 < sizeof...(Attempts)) {
            if (chosen_ != kIndex) return result_of<kIndex + 1>();
        }
        auto& chosen = std::get<kIndex>(attempts_);
        if constexpr (std::is_void_v<decltype(chosen.result())>) {
            chosen.result();
            return Result(std::in_place_index<kIndex>);
        } else {
            return Result(std::in_place_index<kIndex>, chosen.result());
        }
    }

    std::tuple<Attempts...> attempts_;
    std::array<Left, sizeof...(Attempts)> left_{};
    std::size_t chosen_ = 0;
};

// The places are there before the task enters the lines, and after it has left them.
template <class... Attempts>
class Selection<Attempts...>::AllLines : PlacesOf<Attempts...>, public Lines {
public:
    explicit AllLines(Selection& selection)
        : PlacesOf<Attempts...>(selection.attempts_), Lines(this->all(), selection.left_) {}
};

template <class... Attempts>
auto Selection<Attempts...>::line() -> AllLines {
    return AllLines(*this);
}

}  // namespace sync

// Takes what `queue.get()`, `queue.put(item)`, `event.wait()`, `receiver.receive()` and `watcher.changed()` return.
// Returns, when awaited, a std::variant of what each of them gives (nothing: std::monostate) at the index of the one that
// was had. Throws what that one throws: QueueShutDown, say. Cancel: nothing is taken. Thread: a task's.
// Cost: what can be had at once, one lock each; otherwise a coroutine's frame, too.
template <class... Attempts>
[[nodiscard]] auto select(Attempts&&... attempts) {
    static_assert(sizeof...(Attempts) != 0, "select() of nothing would wait for ever");
    static_assert(
        (sync::Selectable<std::remove_cvref_t<Attempts>> && ...),
        "select() takes what get(), put(), receive(), changed() and an event's wait() return; for a limit of time, locks "
        "and permits see weft::wait_for, for tasks and futures weft::wait");
    static_assert((std::is_rvalue_reference_v<Attempts&&> && ...),
                  "a named awaiter must be given away: std::move(awaiter)");
    return sync::InTurn<sync::Selection<std::remove_cvref_t<Attempts>...>>(std::move(attempts)...);
}

}  // namespace weft
