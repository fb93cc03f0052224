// Handle: a callback runs, is cancelled, or is dropped: one of them, and then its callable ends; its state ends with the
// last reference.
#include "scheduler/handle.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"

using weft::Handle;
using weft::TimePoint;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::require;
using weft::model::together;
using weft::scheduler::CallbackOf;

namespace {

struct Fate {
    Cell<int> ran{0};
    Cell<int> callables_ended{0};
    Cell<int> states_ended{0};

    void check(bool cancelled) const {
        require(ran.get() == (cancelled ? 0 : 1), "it has run unless it was cancelled");
        require(callables_ended.get() == 1, "the callable has ended once");
        require(states_ended.get() == 1, "the state has ended once");
    }
};

// The callable: it ends where it was moved last.
class Call {
public:
    explicit Call(Fate& fate) : fate_(&fate) {}
    Call(Call&& other) noexcept : fate_(std::exchange(other.fate_, nullptr)) {}
    Call& operator=(Call&&) = delete;
    ~Call() {
        if (fate_ != nullptr) fate_->callables_ended.set(fate_->callables_ended.get() + 1);
    }

    void operator()() const { fate_->ran.set(fate_->ran.get() + 1); }

private:
    Fate* fate_;
};

class Watched final : public CallbackOf<Call> {
public:
    explicit Watched(Fate& fate) : CallbackOf(Call(fate)), fate_(fate) {}
    ~Watched() override { fate_.states_ended.set(fate_.states_ended.get() + 1); }

private:
    Fate& fate_;
};

void run_and_cancel() {
    Fate fate;
    auto* callback = new Watched(fate);
    bool cancelled = false;
    together({[&] { callback->run(); },
              [&] {
                  const Handle handle(*callback);
                  cancelled = callback->cancel();
                  require(!cancelled || handle.cancelled(), "it says so");
              }});
    fate.check(cancelled);
}

void two_cancel() {
    Fate fate;
    auto* callback = new Watched(fate);
    std::optional<Handle> first(std::in_place, *callback);
    std::optional<Handle> second(first);
    bool by_first = false;
    bool by_second = false;
    together({[&] { callback->run(); },
              [&] {
                  by_first = callback->cancel();
                  first.reset();
              },
              [&] {
                  by_second = callback->cancel();
                  second.reset();
              }});
    require(!by_first || !by_second, "one of them");
    fate.check(by_first || by_second);
}

void drop_and_cancel() {
    Fate fate;
    auto* callback = new Watched(fate);
    together({[&] { callback->drop(); },
              [&] {
                  const Handle handle(*callback);
                  handle.cancel();
              }});
    require(fate.ran.get() == 0, "it was dropped");
    require(fate.callables_ended.get() == 1 && fate.states_ended.get() == 1, "it has ended once");
}

// Another thread cancels a timer that becomes due, or not.
void timer_and_cancel() {
    Fate fate;
    bool cancelled = false;
    bool timely = false;
    {
        const Loops loops(1);
        auto* callback = new Watched(fate);
        callback->arm(loops[0], TimePoint{} + std::chrono::seconds(1));
        together({[&] { loops.run(0); },
                  [&] {
                      const Handle handle(*callback);
                      cancelled = callback->cancel();
                      loops.stop();
                  }});
        timely = fate.ran.get() == 1;
    }
    require(!cancelled || !timely, "it does not run when it was cancelled");
    require(fate.callables_ended.get() == 1 && fate.states_ended.get() == 1, "it has ended once");
}

}  // namespace

WEFT_MODEL("handle: run, cancel", run_and_cancel, {.type = "Handle", .threads = {"run", "cancel, release"}});

WEFT_MODEL("handle: run and two cancel", two_cancel,
           {.type = "Handle", .threads = {"run", "cancel, release", "cancel, release"}});

WEFT_MODEL("handle: drop, cancel", drop_and_cancel, {.type = "Handle", .threads = {"drop", "cancel, release"}});

WEFT_MODEL("handle: a timer is cancelled from afar", timer_and_cancel,
           {.type = "TimerHandle", .threads = {"fire, run", "cancel, release"}});
