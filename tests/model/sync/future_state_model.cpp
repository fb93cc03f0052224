// FutureState: one completer wins, each waiter is woken once or taken out, and what the winner wrote reaches them.
#include "sync/future_state.hpp"

#include <functional>
#include <string>

#include "sync/value_state.hpp"
#include "tests/model/models.hpp"

using weft::model::Cell;
using weft::model::require;
using weft::model::together;
using weft::scheduler::Atomic;
using weft::sync::FutureState;
using weft::sync::Outcome;
using weft::sync::RemovableWaiter;
using weft::sync::ValueFutureState;

namespace {

// Notes what it is told, and reads the outcome, as a task would.
class Noting final : public RemovableWaiter {
public:
    explicit Noting(FutureState& future) : future_(future) {}

    void wake() noexcept override {
        require(future_.done(), "woken when it is done");
        require(future_.outcome() != Outcome::none, "the outcome can be read");
        woken_.set(woken_.get() + 1);
    }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    FutureState& future_;
    Cell<int> woken_{0};
};

// A future that lives as long as the model needs it.
class Held {
public:
    Held() : state_(*new ValueFutureState<int>()) {}
    ~Held() { state_.release(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    ValueFutureState<int>* operator->() const { return &state_; }
    ValueFutureState<int>& operator*() const { return state_; }

private:
    ValueFutureState<int>& state_;
};

void complete_cancel_and_add() {
    Held future;
    Noting waiter(*future);
    int winners = 0;
    bool added = false;
    together({[&] { winners += future->try_set_value(7) ? 1 : 0; },
              [&] {
                  if (future->cancel("enough")) require(future->outcome() == Outcome::cancelled, "it was the cancel");
              },
              [&] { added = future->add_waiter(waiter) == FutureState::Add::added; }});
    require(future->done(), "one of them has completed it");
    require((future->outcome() == Outcome::value) == (winners == 1), "the winner's outcome");
    require(waiter.woken_.get() == (added ? 1 : 0), "woken once, if it was added");
}

}  // namespace

WEFT_MODEL("future: complete, cancel, add a waiter", complete_cancel_and_add,
           {.type = "FutureState", .threads = {"complete", "cancel", "add_waiter"}});
