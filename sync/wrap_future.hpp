// wrap_future: a thread's future as one of a loop. Rules 52 and 53: completion goes one way, cancellation the other.
//
// Neither future touches the other from where it ends. The thread future's end sends a Runnable to the loop, whose turn
// completes the loop future; the loop future's cancellation sends one, too, whose turn cancels the thread future (and
// with that runs the callbacks that rule 216 puts on the completing thread). A loop that has closed takes neither, and
// nobody is told: there is nobody left.
//
//     ConcurrentFuture --wake--> ThreadOutcome --loop's queue--> WrappedFuture done
//     WrappedFuture cancelled --loop's queue--> ConcurrentFuture::cancel
//
// Invariant: while it is pending, the thread future keeps the loop future (through its waiter) and the loop future the
// thread future: a circle that ends because every thread future does (rule 219).
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "scheduler/loop.hpp"
#include "scheduler/schedule.hpp"
#include "sync/branch.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/future.hpp"

namespace weft {

namespace sync {

// The loop's side. As a Runnable it carries its cancellation to the thread's side.
template <class T>
class WrappedFuture final : public ValueFutureState<T>, public scheduler::Runnable {
public:
    WrappedFuture(FutureRef source, scheduler::Loop& loop)
        : source_(std::move(source)), home_(loop.shell()), generation_(home_.generation()) {}

    bool cancel(std::string_view message) noexcept override {
        if (!this->cancel_only(message)) return false;
        this->retain();  // the queue's reference
        if (scheduler::schedule_on(*this, home_, generation_) == scheduler::Sent::closed) drop();
        return true;
    }

    // What the source ended with; nobody is to be told any more.
    bool cancel_only(std::string_view message) noexcept { return ValueFutureState<T>::cancel(message); }

    void run() noexcept override {
        source_.get().cancel({});
        this->release();
    }
    void drop() noexcept override { this->release(); }

    [[nodiscard]] std::string in_words() const override { return "a thread's future"; }
    [[nodiscard]] bool ends_from_outside() const noexcept override { return true; }

    [[nodiscard]] scheduler::Shell& home() const noexcept { return home_; }
    [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }

private:
    [[nodiscard]] scheduler::Shell* home_shell() const noexcept override { return &home_; }

    const FutureRef source_;
    scheduler::Shell& home_;
    const std::uint32_t generation_;
};

// Carries the outcome over. Owns itself and a reference to either.
template <class T>
class ThreadOutcome final : public Waiter, public scheduler::PooledFrame {
public:
    ThreadOutcome(FutureRef source, WrappedFuture<T>& to) : source_(std::move(source)), ref_(&to), to_(to) {
        to.retain();
    }

    // Thread: the completing one.
    void wake() noexcept override {
        if (scheduler::schedule_on(*this, to_.home(), to_.generation()) == scheduler::Sent::closed) drop();
    }

    void run() noexcept override {
        FutureState& source = source_.get();
        switch (source.outcome()) {
            case Outcome::value:
                if (!to_.done()) deliver_value(source);
                break;
            case Outcome::cancelled: (void)to_.cancel_only({}); break;
            default: (void)to_.try_set_exception(source.failure()); break;
        }
        drop();
    }
    void abandon() noexcept override { drop(); }
    void drop() noexcept override { delete this; }

private:
    void deliver_value(FutureState& source) noexcept {
        try {
            if constexpr (std::is_void_v<T>) {
                (void)to_.try_set_value();
            } else {
                (void)to_.try_set_value(read_value<T>(source, false));
            }
        } catch (...) {
            (void)to_.try_set_exception(std::current_exception());
        }
    }

    const FutureRef source_;
    const FutureRef ref_;
    WrappedFuture<T>& to_;
};

}  // namespace sync

// Returns a future of the running loop that ends as `future` does; cancelling it cancels `future`.
// Throws std::runtime_error "no running event loop"; InvalidStateError for an empty handle.
template <class T>
[[nodiscard]] Future<T> wrap_future(const ConcurrentFuture<T>& future) {
    scheduler::Loop& loop = sync::require_loop();
    sync::FutureState& source = future.state();
    auto* state = new sync::WrappedFuture<T>(future.ref(), loop);
    Future<T> wrapped{sync::FutureRef(state)};
    auto* outcome = new sync::ThreadOutcome<T>(future.ref(), *state);
    if (source.add_waiter(*outcome) == sync::FutureState::Add::already_done) outcome->wake();
    return wrapped;
}

}  // namespace weft
