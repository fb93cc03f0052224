// shield: a future that ends as another one does, and whose cancellation does not reach that one. Rules 147 to 156.
//
// Invariant: the outer future is completed once, by the inner one's end or by a cancel. A cancelled shield leaves the
// inner future's list, on a loop by itself one turn later, as asyncio's does in a done callback; from then on a failure
// that the inner future ends with is reported as soon as it happens, since nobody may be left to read it (rule 150).
#pragma once

#include <type_traits>
#include <utility>

#include "sync/future.hpp"
#include "sync/task.hpp"
#include "sync/watcher.hpp"

namespace weft {

namespace sync {

// The part that does not depend on the type. Its place in the inner future's list owns a reference to the outer one.
class ShieldBase : public Watcher {
public:
    explicit ShieldBase(FutureRef inner) : inner_(std::move(inner)), home_(require_loop()) {}
    ShieldBase(const ShieldBase&) = delete;
    ShieldBase& operator=(const ShieldBase&) = delete;

    void watch();
    // The loop is closed: the outer future would never end, and keep those who wait for it.
    void abandon() noexcept final {
        FutureState& outside = outer();
        (void)outside.FutureState::cancel({});
        outside.release();
    }

protected:
    ~ShieldBase() = default;

    virtual FutureState& outer() noexcept = 0;
    virtual void copy_value(FutureState& inner) = 0;
    // To be called around a cancel of the outer future.
    void before_cancel() noexcept;
    void after_cancel() noexcept;
    [[nodiscard]] const WatchHome& home() const noexcept final { return home_; }
    [[nodiscard]] FutureState& inner() const { return inner_.get(); }

private:
    class Detaching;

    void detach_in_turn() noexcept;
    void detach() noexcept;
    void ended() noexcept final;

    FutureRef inner_;
    const WatchHome home_;
};

template <class T>
class ShieldState final : public ShieldBase, public ValueFutureState<T> {
public:
    using scheduler::PooledFrame::operator new;
    using scheduler::PooledFrame::operator delete;

    explicit ShieldState(FutureRef inner) : ShieldBase(std::move(inner)) {}

    bool cancel(std::string_view message) noexcept override {
        this->retain();  // the waiter may be resumed and drop its reference meanwhile
        this->before_cancel();
        const bool cancelled = ValueFutureState<T>::cancel(message);
        if (cancelled) this->after_cancel();
        this->release();
        return cancelled;
    }

    [[nodiscard]] std::string in_words() const override { return "shield"; }
    [[nodiscard]] bool ends_from_outside() const noexcept override {
        return !this->inner().done() && this->inner().ends_from_outside();
    }
    // Null if the outer future was failed by hand.
    [[nodiscard]] TaskState* failed_task() noexcept override {
        return this->inner().done() ? this->inner().failed_task() : nullptr;
    }

private:
    [[nodiscard]] scheduler::Shell* home_shell() const noexcept override { return &this->home().shell(); }
    FutureState& outer() noexcept override { return *this; }
    void copy_value(FutureState& inner) override {
        if constexpr (std::is_void_v<T>) {
            (void)this->try_set_value();
        } else {
            (void)this->try_set_value(read_value<T>(inner, false));
        }
    }
};

}  // namespace sync

// Returns a future that ends as `awaitable` does, or its own future if that is done.
// Cancel: does not touch the awaitable.
template <class A>
    requires Awaitable<A>
[[nodiscard]] auto shield(A&& awaitable) -> Future<AwaitResult<std::remove_cvref_t<A>>> {
    using T = AwaitResult<std::remove_cvref_t<A>>;
    const auto inner = ensure_future(std::forward<A>(awaitable));
    if (inner.done()) return Future<T>(inner.ref());
    auto* state = new sync::ShieldState<T>(inner.ref());
    Future<T> outer{sync::FutureRef(state)};
    state->watch();
    return outer;
}

}  // namespace weft
