#include "sync/shield.hpp"

#include "sync/exception_handler.hpp"
#include "sync/report.hpp"

namespace weft::sync {

namespace {

// Reports the failure of a future whose shield was cancelled: an entry of its own, as a done callback is. One per
// future.
class ShieldedFailure final : public Waiter, public scheduler::PooledFrame {
public:
    explicit ShieldedFailure(FutureState& inner) : inner_(inner), home_(require_loop()) {}

    void wake() noexcept override {
        inner_.retain();
        if (home_.queue(*this) == scheduler::Sent::closed) drop();
    }
    void run() noexcept override {
        if (inner_.outcome() == Outcome::exception) {
            const std::exception_ptr failure = inner_.failure();
            report(type_name(failure) + " exception in shielded future", inner_, failure);
        }
        drop();
    }
    void drop() noexcept override {
        inner_.release();
        delete this;
    }
    void abandon() noexcept override { delete this; }

private:
    FutureState& inner_;
    const WatchHome home_;
};

}  // namespace

void ShieldBase::watch() {
    outer().retain();
    if (inner_.get().add_waiter(*this) == FutureState::Add::already_done) wake();
}

void ShieldBase::ended() noexcept {
    FutureState& inner = inner_.get();
    if (!outer().done()) {
        if (inner.outcome() == Outcome::cancelled) {
            (void)outer().cancel({});
        } else if (inner.outcome() == Outcome::exception) {
            // A canceller on another loop may be first: then nobody has seen it.
            if (outer().try_set_exception(inner.unseen_failure())) inner.mark_retrieved();
        } else {
            try {
                inner.mark_retrieved();
                copy_value(inner);
            } catch (...) {
                (void)outer().try_set_exception(std::current_exception());
            }
        }
    }
    outer().release();
}

// An entry of the ready queue that detaches a cancelled shield.
class ShieldBase::Detaching final : public scheduler::Runnable, public scheduler::PooledFrame {
public:
    explicit Detaching(ShieldBase& shield) : shield_(shield) { shield.outer().retain(); }
    ~Detaching() { shield_.outer().release(); }

    void run() noexcept override {
        const FutureState& outer = shield_.outer();  // another thread may be completing it
        if (outer.done() && outer.outcome() == Outcome::cancelled) shield_.detach();
        delete this;
    }
    void drop() noexcept override { delete this; }

private:
    ShieldBase& shield_;
};

// On a loop by itself: the shield's own callback comes before those who wait for the outer future.
void ShieldBase::before_cancel() noexcept {
    if (home_.alone() && home_.is_here() && !outer().done()) detach_in_turn();
}

// From another thread only once it is cancelled: the loop may be faster.
void ShieldBase::after_cancel() noexcept {
    if (!home_.alone()) {
        detach();
    } else if (!home_.is_here()) {
        detach_in_turn();
    }
}

void ShieldBase::detach_in_turn() noexcept {
    try {
        auto* detaching = new Detaching(*this);
        if (home_.queue(*detaching) == scheduler::Sent::closed) detaching->drop();
    } catch (const std::bad_alloc&) {
        // Then the shield stays where it is, and ended() drops the inner future's outcome.
    }
}

void ShieldBase::detach() noexcept {
    FutureState& inner = inner_.get();
    if (inner.done() || !inner.remove_waiter(*this)) return;
    outer().release();
    if (scheduler::current_loop() == nullptr || !inner.first_shield_cancelled()) return;
    try {
        auto* reporter = new ShieldedFailure(inner);
        if (inner.add_waiter(*reporter) == FutureState::Add::already_done) reporter->wake();
    } catch (const std::bad_alloc&) {
        // Then it is reported as never retrieved.
    }
}

}  // namespace weft::sync
