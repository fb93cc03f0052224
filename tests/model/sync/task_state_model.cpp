// TaskState: the task's word, between the task that waits, runs or ends, who wakes it, who cancels it, and who asks where it
// stands. Virtual threads play the tasks (actor.hpp).
#include "sync/task_state.hpp"

#include <array>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "sync/event.hpp"
#include "sync/exception_context.hpp"
#include "sync/future.hpp"
#include "sync/report.hpp"
#include "sync/task.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/sync/actor.hpp"

using weft::CancelledError;
using weft::Future;
using weft::model::Actor;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::require;
using weft::model::together;
using weft::sync::Outcome;
using weft::sync::ValueFutureState;

namespace {

Future<int> pending_future() { return Future<int>(weft::sync::FutureRef(new ValueFutureState<int>)); }

// An actor and what it waits for.
class Waits {
public:
    Waits() {
        task_->begin();
        weft::sync::current() = {};
    }
    Waits(const Waits&) = delete;
    Waits& operator=(const Waits&) = delete;
    ~Waits() {
        task_->play();
        task_->end(Outcome::value);
        task_->release();
        loops_.close();
    }

    // Thread: the task's. Returns whether it got the value.
    bool gets() {
        task_->play();
        try {
            require(task_->await(future_.operator co_await()) == 7, "the value");
            require(handed_over_.get() == 1, "what was done before");
            return true;
        } catch (const CancelledError& e) {
            message_ = e.message();
            return false;
        }
    }
    void complete() {
        handed_over_.set(1);
        (void)future_.try_set_result(7);
    }
    bool cancel(std::string_view message = {}) { return task_->cancel(message); }

    [[nodiscard]] Actor& task() const { return *task_; }
    [[nodiscard]] const Future<int>& future() const { return future_; }
    // Of the CancelledError that it got.
    [[nodiscard]] const std::string& message() const { return message_; }
    [[nodiscard]] weft::scheduler::Loop& loop() const { return loops_[0]; }

private:
    const Loops loops_{1};
    Actor* const task_ = new Actor(loops_[0]);
    const Future<int> future_ = pending_future();
    Cell<int> handed_over_;
    std::string message_;
};

// --- wake, cancel -----------------------------------------------------------------------------------------------------

void a_wait_ends_and_is_cancelled() {
    Waits waits;
    bool got = false;
    together(
        {[&] { got = waits.gets(); }, [&] { waits.complete(); }, [&] { require(waits.cancel("why"), "it runs"); }});
    require(got || waits.message() == "why", "it is told why");
    require(waits.task().cancelling() == 1, "the request is counted");
    require(waits.task().cancel_pending() == got, "delivered, or to be");
}

// One wake for one wait, also if it comes before that.
void a_task_waits_again() {
    Waits waits;
    const auto second = pending_future();
    Cell<int> before_second;
    together({[&] {
                  require(waits.gets(), "nobody cancels");
                  require(waits.task().await(second.operator co_await()) == 8, "the second value");
                  require(before_second.get() == 1, "what was done before");
              },
              [&] {
                  waits.complete();
                  before_second.set(1);
                  (void)second.try_set_result(8);
              }});
}

// Nothing else ends it.
void a_wait_is_cancelled() {
    Waits waits;
    together({[&] {
                  require(!waits.gets(), "cancelled");
                  require(waits.message() == "why", "it is told why");
              },
              [&] { require(waits.cancel("why"), "it runs"); }});
    require(!waits.task().cancel_pending(), "delivered");
}

// Others begin to wait for the task while it suspends.
class Counting final : public weft::sync::Waiter {
public:
    void wake() noexcept override { ++woken_; }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    int woken_ = 0;
};

void a_task_is_awaited_while_it_suspends() {
    std::array<Counting, 2> waiters;
    {
        Waits waits;
        together({[&] { require(!waits.gets(), "cancelled"); },
                  [&] {
                      for (Counting& waiter : waiters) (void)waits.task().add_waiter(waiter);
                      (void)waits.cancel("why");
                  }});
    }
    require(waiters[0].woken_ == 1 && waiters[1].woken_ == 1, "each is told of the end");
}

// Both at once, each with a text: one of them is told.
void a_wait_is_cancelled_by_two() {
    Waits waits;
    together({[&] { require(!waits.gets(), "cancelled"); }, [&] { require(waits.cancel("a"), "it runs"); },
              [&] { require(waits.cancel("b"), "it runs"); }});
    require(waits.message() == "a" || waits.message() == "b", "it is told why");
    require(waits.task().cancelling() == 2, "both are counted");
}

// One with a text and one without.
void a_text_is_withdrawn() {
    Waits waits;
    together({[&] { require(!waits.gets(), "cancelled"); }, [&] { (void)waits.cancel("a"); },
              [&] { (void)waits.cancel({}); }});
    require(waits.message().empty() || waits.message() == "a", "one of them");
}

// Its first suspension would come after the request, which is delivered by a throw of the task itself. Returns the text.
std::string delivered(Waits& waits) {
    waits.task().play();
    while (!waits.task().cancel_pending()) weft::scheduler::spin_hint();
    try {
        waits.task().deliver_cancel();
    } catch (const CancelledError& e) {
        return e.message();
    }
    return {};
}

void a_running_task_is_cancelled() {
    Waits waits;
    together({[&] { require(delivered(waits) == "why", "it is told why"); }, [&] { (void)waits.cancel("why"); }});
    require(!waits.task().cancel_pending(), "delivered once");
}

void a_running_task_is_cancelled_twice() {
    Waits waits;
    together({[&] { require(delivered(waits) == "why", "it is told why"); },
              [&] {
                  (void)waits.cancel("why");
                  (void)waits.cancel("why");
              }});
    require(waits.task().cancelling() == 2, "both are counted");
}

// Its first suspension is to be hit, what it waits for ends, and another request comes.
void a_cancelled_task_waits_and_is_cancelled_again() {
    Waits waits;
    (void)waits.cancel("a");
    bool got = false;
    together({[&] { got = waits.gets(); }, [&] { waits.complete(); }, [&] { (void)waits.cancel("b"); }});
    require(got || waits.message() == "a" || waits.message() == "b", "it need not suspend, or is told why");
    require(waits.task().cancelling() == 2, "both are counted");
}

// --- uncancel ---------------------------------------------------------------------------------------------------------

void requests_are_taken_back() {
    Waits waits;
    (void)waits.cancel();
    (void)waits.cancel();
    together({[&] { (void)waits.task().uncancel(); }, [&] { (void)waits.cancel(); },
              [&] { (void)waits.task().uncancel(); }});
    require(waits.task().cancelling() == 1, "each counts");
    require(waits.task().cancel_pending(), "one is left");
    require(waits.task().uncancel() == 0 && !waits.task().cancel_pending(), "the last is withdrawn");
}

// --- the end ----------------------------------------------------------------------------------------------------------

// A task that ends, its canceller, and one that waits for it.
void a_task_ends_and_is_cancelled() {
    const Loops loops(1);
    auto* const task = new Actor(loops[0]);
    const weft::sync::FutureRef ref(task);
    bool accepted = false;
    Cell<int> its_work;
    task->begin();
    together({[&] {
                  task->play();
                  its_work.set(1);
                  task->end(Outcome::value);
              },
              [&] { accepted = task->cancel("why"); },
              [&] {
                  if (task->done()) require(its_work.get() == 1 && task->outcome() != Outcome::none, "it is through");
              }});
    require(task->outcome() == (accepted ? Outcome::cancelled : Outcome::value), "as it was told");
    if (!accepted) return;
    try {
        std::rethrow_exception(task->failure());
    } catch (const CancelledError& e) {
        require(e.message() == "why", "and why");
    }
}

// Who awaits a task that ends is woken.
void a_task_ends_and_is_awaited() {
    const Loops loops(1);
    Waits waits;
    auto* const task = new Actor(loops[0]);
    weft::sync::FutureRef ref(task);
    Cell<int> its_work;
    task->begin();
    weft::sync::current() = {};
    together({[&] {
                  task->play();
                  its_work.set(1);
                  task->end(Outcome::value);
              },
              [&] {
                  waits.task().play();
                  waits.task().await(weft::sync::FutureAwaiter<void>(*task));
                  require(its_work.get() == 1, "it is through");
                  ref = {};
              }});
}

// A task on a loop that closes while it waits.
class Closing {
public:
    Closing() {
        weft::sync::set_report_sink([](const weft::ExceptionContext&) {});  // that it was pending
        task_->begin();
        weft::sync::current() = {};
    }
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    ~Closing() { weft::sync::set_report_sink(nullptr); }

    // Thread: the loop's. Nobody else need have a reference.
    void wait_and_close() {
        task_->play();
        task_->await_for_good(future_.operator co_await());
        task_->release();
        loops_.close();
    }
    [[nodiscard]] Actor& task() const { return *task_; }
    [[nodiscard]] const Future<int>& future() const { return future_; }

private:
    const Loops loops_{1};
    Actor* const task_ = new Actor(loops_[0]);
    const Future<int> future_ = pending_future();
};

// Whoever is last, the loop or who wakes the task, destroys it.
void a_waiting_task_is_dismantled() {
    Closing closing;
    together({[&] { closing.wait_and_close(); }, [&] { (void)closing.future().try_set_result(7); }});
}

// The same with a canceller, who has a handle.
void a_waiting_task_is_dismantled_and_cancelled() {
    Closing closing;
    Actor& task = closing.task();
    task.retain();
    together({[&] { closing.wait_and_close(); }, [&] { (void)task.cancel("why"); }});
    require(task.done(), "it has ended");
    task.release();
}

// Who waits for a task is woken, too, if that is dismantled.
void a_task_that_is_awaited_is_dismantled() {
    Closing closing;
    Waits waits;
    Cell<int> before;
    Actor& task = closing.task();
    task.retain();
    together({[&] {
                  before.set(1);
                  closing.wait_and_close();
              },
              [&] {
                  waits.task().play();
                  bool cancelled = false;
                  try {
                      waits.task().await(weft::sync::FutureAwaiter<void>(task));
                  } catch (const CancelledError&) {
                      cancelled = true;
                  }
                  require(cancelled && before.get() == 1, "it was dismantled, and what it did before");
                  task.release();
              }});
}

// --- those who ask ------------------------------------------------------------------------------------------------------

void a_waiting_task_is_looked_at() {
    Waits waits;
    together({[&] { require(waits.gets(), "nobody cancels"); }, [&] { waits.complete(); },
              [&] {
                  const auto standing = waits.task().standing();
                  require(standing.awaits.empty() || standing.awaits == "a future", "where it stands");
              }});
}

// It goes on, and waits for something else.
void a_task_that_waits_again_is_looked_at() {
    Waits waits;
    const auto second = pending_future();
    together({[&] {
                  require(waits.gets(), "nobody cancels");
                  require(waits.task().await(second.operator co_await()) == 8, "the second value");
              },
              [&] { waits.complete(); },
              [&] {
                  const auto standing = waits.task().standing();
                  require(standing.awaits.empty() || standing.awaits == "a future", "where it stands");
                  (void)second.try_set_result(8);
              }});
}

void a_waiting_task_is_looked_at_and_cancelled() {
    Waits waits;
    together({[&] { require(!waits.gets() && waits.message() == "why", "cancelled, and told why"); },
              [&] { (void)waits.cancel("why"); }, [&] { (void)waits.task().standing(); }});
    require(!waits.task().cancel_pending(), "delivered");
}

void two_look_at_a_waiting_task() {
    Waits waits;
    Cell<int> looks;
    together({[&] { require(waits.gets(), "nobody cancels"); }, [&] { (void)waits.task().standing(); },
              [&] {
                  (void)waits.task().standing();
                  waits.complete();
              }});
}

void a_task_gets_a_name() {
    Waits waits;
    const std::string before = waits.task().name();
    together({[&] {
                  waits.task().set_name("other");
                  require(waits.task().name() == "other", "its own");
              },
              [&] {
                  const std::string name = waits.task().name();
                  require(name == before || name == "other", "one of them");
              },
              [&] { (void)waits.cancel("why"); }});
    require(waits.task().name() == "other", "it has it");
}

// Only for the name that it has by default.
void tasks_have_names_of_their_own() {
    const Loops loops(2);
    std::array<std::string, 2> names;
    const auto name = [&](std::size_t i) {
        auto* const task = new Actor(loops[i]);
        names[i] = task->name();
        task->release();
    };
    together({[&] { name(0); }, [&] { name(1); }});
    require(names[0] != names[1], "each its own");
}

// It failed before any of its coroutines ran, while somebody cancels it.
void a_failed_task_is_looked_at() {
    weft::sync::set_report_sink([](const weft::ExceptionContext&) {});
    const Loops loops(1);
    auto* const task = new Actor(loops[0]);
    weft::sync::FutureRef ref(task);
    task->begin();
    together({[&] {
                  task->play();
                  task->end(Outcome::exception, std::make_exception_ptr(std::runtime_error("no")));
              },
              [&] { (void)task->cancel("why"); },
              [&] {
                  if (const auto* trace = task->trace()) require(trace->sites().empty(), "nothing was passed");
              }});
    (void)task->failure();
}

}  // namespace

WEFT_MODEL("task: complete, cancel, wait", a_wait_ends_and_is_cancelled,
           {.type = "TaskState", .threads = {"suspend", "wake", "cancel"}});
WEFT_MODEL("task: complete, wait, complete, wait", a_task_waits_again,
           {.type = "TaskState", .threads = {"suspend, suspend", "wake, wake"}});
WEFT_MODEL("task: cancel, wait", a_wait_is_cancelled, {.type = "TaskState", .threads = {"suspend", "cancel"}});
WEFT_MODEL("task: two cancel, wait", a_wait_is_cancelled_by_two,
           {.type = "TaskState", .threads = {"suspend", "cancel", "cancel"}});
WEFT_MODEL("task: cancel with a text and without, wait", a_text_is_withdrawn,
           {.type = "TaskState", .threads = {"suspend", "cancel", "cancel"}});
WEFT_MODEL("task: wait, is awaited, cancel", a_task_is_awaited_while_it_suspends,
           {.type = "TaskState", .threads = {"suspend", "add_waiter, cancel"}});
WEFT_MODEL("task: cancel, deliver", a_running_task_is_cancelled,
           {.type = "TaskState", .threads = {"deliver_cancel", "cancel"}});
WEFT_MODEL("task: cancel twice, deliver", a_running_task_is_cancelled_twice,
           {.type = "TaskState", .threads = {"deliver_cancel", "cancel, cancel"}});
WEFT_MODEL("task: cancelled, complete, cancel, wait", a_cancelled_task_waits_and_is_cancelled_again,
           {.type = "TaskState", .threads = {"suspend", "wake", "cancel"}});
WEFT_MODEL("task: cancel, uncancel twice", requests_are_taken_back,
           {.type = "TaskState", .threads = {"uncancel", "cancel", "uncancel"}});
WEFT_MODEL("task: ends, cancel, look", a_task_ends_and_is_cancelled,
           {.type = "TaskState", .threads = {"finish", "cancel", "done, outcome"}});
WEFT_MODEL("task: ends, is awaited", a_task_ends_and_is_awaited,
           {.type = "TaskState", .threads = {"finish", "add_waiter, suspend"}});
WEFT_MODEL("task: dismantle, wake", a_waiting_task_is_dismantled,
           {.type = "TaskState", .threads = {"suspend, dismantle", "wake"}});
WEFT_MODEL("task: dismantle, cancel", a_waiting_task_is_dismantled_and_cancelled,
           {.type = "TaskState", .threads = {"suspend, dismantle", "cancel"}});
WEFT_MODEL("task: dismantle, is awaited", a_task_that_is_awaited_is_dismantled,
           {.type = "TaskState", .threads = {"suspend, dismantle", "add_waiter, suspend"}});
WEFT_MODEL("task: look, complete, wait", a_waiting_task_is_looked_at,
           {.type = "TaskState", .threads = {"suspend", "wake", "standing"}});
WEFT_MODEL("task: look, complete, wait twice", a_task_that_waits_again_is_looked_at,
           {.type = "TaskState", .threads = {"suspend, suspend", "wake", "standing, wake"}});
WEFT_MODEL("task: look, cancel, wait", a_waiting_task_is_looked_at_and_cancelled,
           {.type = "TaskState", .threads = {"suspend", "cancel", "standing"}});
WEFT_MODEL("task: two look, wait", two_look_at_a_waiting_task,
           {.type = "TaskState", .threads = {"suspend", "standing", "standing, wake"}});
WEFT_MODEL("task: name, set_name, cancel", a_task_gets_a_name,
           {.type = "TaskState", .threads = {"set_name", "name", "cancel"}});
WEFT_MODEL("task: two are made", tasks_have_names_of_their_own, {.type = "TaskState", .threads = {"make", "make"}});
WEFT_MODEL("task: fails, cancel, trace", a_failed_task_is_looked_at,
           {.type = "TaskState", .threads = {"finish", "cancel", "trace"}});
