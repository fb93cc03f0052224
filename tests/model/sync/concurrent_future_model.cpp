// ConcurrentFuture: who blocks on it wakes when it ends, however it ends, and a cancellation reaches the task behind it.
#include "sync/concurrent_future.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "tests/model/models.hpp"

using weft::CancelledError;
using weft::ConcurrentFuture;
using weft::TimeoutError;
using weft::model::Cell;
using weft::model::require;
using weft::model::together;
using weft::sync::ConcurrentState;
using weft::sync::FutureRef;
using weft::sync::Outcome;
using weft::sync::OutcomeCarrier;
using weft::sync::ValueFutureState;

namespace {

enum class Got : std::uint8_t { nothing, value, cancelled, timeout };

// One, and what is known of it.
class Bridge {
public:
    [[nodiscard]] ConcurrentState<int>& state() const { return static_cast<ConcurrentState<int>&>(future_.state()); }
    [[nodiscard]] const ConcurrentFuture<int>& future() const { return future_; }

    void complete() {
        hand_over();
        (void)state().try_set_value(7);
    }
    void hand_over() { handed_over_.set(7); }
    Got result(std::optional<weft::Duration> timeout = std::nullopt) const {
        try {
            require(future_.result(timeout) == 7 && handed_over_.get() == 7, "what the completer wrote");
            return Got::value;
        } catch (const CancelledError&) {
            return Got::cancelled;
        } catch (const TimeoutError&) {
            return Got::timeout;
        }
    }

private:
    const ConcurrentFuture<int> future_{FutureRef(new ConcurrentState<int>)};
    Cell<int> handed_over_;
};

void a_thread_waits() {
    Bridge bridge;
    Got got = Got::nothing;
    bool cancelled = false;
    together(
        {[&] { got = bridge.result(); }, [&] { bridge.complete(); }, [&] { cancelled = bridge.future().cancel(); }});
    require(got == (cancelled ? Got::cancelled : Got::value), "as it ended");
}

void a_thread_waits_for_some_time() {
    Bridge bridge;
    Got first = Got::nothing;
    Got second = Got::nothing;
    together({[&] {
                  first = bridge.result(std::chrono::seconds(1));
                  second = bridge.result();
              },
              [&] { bridge.complete(); }});
    require(first != Got::cancelled && second == Got::value, "the value, or too early");
}

void two_threads_wait() {
    Bridge bridge;
    std::array<Got, 2> got{};
    together({[&] { got[0] = bridge.result(); }, [&] { got[1] = bridge.result(std::chrono::seconds(1)); },
              [&] { bridge.complete(); }});
    require(got[0] == Got::value && got[1] != Got::cancelled, "the value");
}

// A woken thread drops the last handle at once.
void a_thread_waits_and_forgets() {
    auto* const state = new ConcurrentState<int>;
    ConcurrentFuture<int> future{FutureRef(state)};
    state->retain();
    together({[&] {
                  require(future.result() == 7, "the value");
                  future = {};
              },
              [&] {
                  (void)state->try_set_value(7);
                  state->release();
              }});
}

// As ThreadsafeStart does on the loop, while somebody cancels.
void a_task_is_attached_and_cancelled() {
    Bridge bridge;
    const FutureRef task(new ValueFutureState<int>);
    together({[&] {
                  if (!bridge.state().attach(task)) task.get().cancel({});
              },
              [&] { require(bridge.future().cancel(), "it is pending"); }});
    require(task.get().done() && task.get().outcome() == Outcome::cancelled, "the request has reached the task");
}

// The task's end goes over, unless somebody cancels first.
void a_task_ends() {
    Bridge bridge;
    auto* const task = new ValueFutureState<int>;
    const FutureRef ref(task);
    require(bridge.state().attach(ref), "it is pending");
    (void)task->add_waiter(*new OutcomeCarrier<int>(ref, bridge.future().ref()));
    bool ended = false;
    bool cancelled = false;
    Got got = Got::nothing;
    bridge.hand_over();
    together({[&] { ended = task->try_set_value(7); }, [&] { cancelled = bridge.future().cancel(); },
              [&] { got = bridge.result(); }});
    require(ended || cancelled, "it has ended");
    require(got == (cancelled ? Got::cancelled : Got::value), "as it ended");
}

// Callbacks run on whoever completes it, or at once.
void a_callback_comes() {
    Bridge bridge;
    Cell<int> calls;
    together({[&] { bridge.complete(); },
              [&] {
                  bridge.future().add_done_callback([&](const ConcurrentFuture<int>& future) {
                      require(future.done() && future.result() == 7, "it can be read");
                      calls.set(calls.get() + 1);
                  });
              }});
    require(calls.get() == 1, "called once");
}

}  // namespace

WEFT_MODEL("concurrent future: wait, complete, cancel", a_thread_waits,
           {.type = "ConcurrentFuture", .threads = {"wait", "complete", "cancel"}});

WEFT_MODEL("concurrent future: wait for some time, complete", a_thread_waits_for_some_time,
           {.type = "ConcurrentFuture", .threads = {"wait with a timeout, wait", "complete"}});

WEFT_MODEL("concurrent future: two wait, complete", two_threads_wait,
           {.type = "ConcurrentFuture", .threads = {"wait", "wait with a timeout", "complete"}});

WEFT_MODEL("concurrent future: wait and forget, complete", a_thread_waits_and_forgets,
           {.type = "ConcurrentFuture", .threads = {"wait, release", "complete, release"}});

WEFT_MODEL("concurrent future: attach, cancel", a_task_is_attached_and_cancelled,
           {.type = "ConcurrentFuture", .threads = {"attach", "cancel, cancel_task"}});

WEFT_MODEL("concurrent future: the task ends, cancel, wait", a_task_ends,
           {.type = "ConcurrentFuture", .threads = {"complete", "cancel, cancel_task", "wait"}});

WEFT_MODEL("concurrent future: add a callback, complete", a_callback_comes,
           {.type = "ConcurrentFuture", .threads = {"complete", "add_done_callback"}});
