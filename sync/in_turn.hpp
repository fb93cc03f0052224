// InTurn: awaits an attempt at something: makes it, waits in line while it fails, and makes it again when woken.
//
// An attempt offers
//   bool attempt()         true once it has succeeded
//   Line line()            where to wait: a Notified, or Lines
//   bool attempt_woken()   as attempt(), once the line has woken the task: if it throws, the next in line has been woken
//   R result()             of the attempt that has succeeded
//
// It is what select() takes, too: then attempts are made, and lines entered, by the select.
// Cost: a coroutine's frame if it has to wait.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "sync/coro.hpp"

namespace weft::sync {

template <class Attempt>
class InTurn : public Attempt {
public:
    static constexpr bool kTakes = true;  // see awaitable.hpp

    using Attempt::Attempt;
    // Only before it is awaited.
    InTurn(InTurn&& other) noexcept(std::is_nothrow_move_constructible_v<Attempt>)
        : Attempt(static_cast<Attempt&&>(other)) {}

    [[nodiscard]] bool await_ready() { return this->attempt(); }

    template <class Promise>
    Transfer await_suspend(std::coroutine_handle<Promise> self) {
        return in_turn_.emplace(*wait_in_turn().give_away()).await_suspend(self);
    }

    decltype(auto) await_resume() {
        if (in_turn_) in_turn_->await_resume();
        return this->result();
    }

private:
    Coro<> wait_in_turn() {
        do {
            co_await this->line();
        } while (!this->attempt_woken());
    }

    std::optional<Coro<>::Awaiter> in_turn_;
};

}  // namespace weft::sync
