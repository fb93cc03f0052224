// Watchers of a loop by itself: what a gather, a wait, an iteration and a shield are told by entries of its ready queue,
// which come in their turn, while members end and cancels come from other threads, and the loop goes on, or closes.
#include "sync/watcher.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>

#include "sync/as_completed.hpp"
#include "sync/exception_context.hpp"
#include "sync/gather.hpp"
#include "sync/report.hpp"
#include "sync/shield.hpp"
#include "sync/wait.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"
#include "tests/model/sync/two_futures.hpp"

using weft::Future;
using weft::model::OnLoop;
using weft::model::require;
using weft::model::together;
using weft::model::TwoFutures;
using weft::sync::Iterating;
using weft::sync::Waiting;

namespace {

// On a loop by itself.
class Two : public TwoFutures {
public:
    Two() : TwoFutures(1) {}
};

// --- gather -----------------------------------------------------------------------------------------------------------

Future<std::tuple<int, int>> gathered(const Two& two) {
    const OnLoop here(two.loops[0]);
    return weft::gather(two[0], two[1]);
}

void children_of_a_gather_end() {
    Two two;
    const auto outer = gathered(two);
    together({[&] { two.turn(); }, [&] { require(two.complete(0), "nobody else"); },
              [&] { require(two.complete(1), "nobody else"); }});
    two.turn();
    require(outer.result() == std::tuple(0, 1), "both values");
    two.check_left_alone();
}

// What cancel() says is what the gather does.
void a_gather_is_cancelled() {
    Two two;
    const auto outer = gathered(two);
    bool cancelled = false;
    bool ended = false;
    together({[&] { two.turn(); }, [&] { ended = two.complete(0); }, [&] { cancelled = outer.cancel(); }});
    require(cancelled, "the second child has not ended");
    two.turn();
    require(outer.done() && outer.exception() != nullptr && !outer.cancelled(), "it failed with its children's cancel");
    require(two[0].cancelled() == !ended && two[1].cancelled(), "each that had not ended");
}

// Each child is asked, by the gather alone, which waits for all.
void a_gather_alone_is_cancelled() {
    const Two two;
    const auto outer = [&] {
        const OnLoop here(two.loops[0]);
        return weft::gather(weft::return_exceptions, two[0], two[1]);
    }();
    together({[&] { two.turn(); }, [&] { require(outer.cancel(), "no child has ended"); }});
    two.turn();
    require(outer.done() && outer.exception() != nullptr, "it was cancelled");
    require(two[0].cancelled() && two[1].cancelled(), "each");
}

// Who waits for it goes on, and nobody holds it any longer.
void a_loop_with_a_gather_closes() {
    Two two;
    auto outer = gathered(two);
    together({[&] { two.loops.close(); }, [&] { (void)two.complete(0); }, [&] { (void)two.complete(1); }});
    require(outer.done(), "it was given up");
    outer = {};
    two.check_left_alone();
}

// --- wait, as_completed -----------------------------------------------------------------------------------------------

// One who waits for both, for as long as it is not left.
class Wait {
public:
    Wait(const Two& two, weft::ReturnWhen when) : loop_(two.loops[0]) {
        const OnLoop here(loop_);
        waiting_.emplace(two.states(), when);
        waiting_->watch();
    }
    [[nodiscard]] bool ended() const { return (*waiting_).operator co_await().await_ready(); }
    void leave() {
        const OnLoop here(loop_);
        waiting_.reset();
    }

private:
    weft::scheduler::Loop& loop_;
    std::optional<Waiting> waiting_;
};

void members_of_a_wait_end() {
    Two two;
    Wait wait(two, weft::ALL_COMPLETED);
    together({[&] { two.turn(); }, [&] { require(two.complete(0), "nobody else"); },
              [&] { require(two.complete(1), "nobody else"); }});
    two.turn();
    require(wait.ended(), "both have");
    wait.leave();
    two.check_left_alone();
}

// Some are told of in a turn that comes when nobody waits any longer.
void a_wait_is_left() {
    Two two;
    Wait wait(two, weft::FIRST_COMPLETED);
    together({[&] {
                  two.turn();
                  wait.leave();
              },
              [&] { require(two.complete(0), "nobody else"); }, [&] { require(two.complete(1), "nobody else"); }});
    two.turn();
    two.check_left_alone();
}

// One member has not ended: nothing of the wait stays in its list.
void a_wait_is_left_early() {
    Two two;
    Wait wait(two, weft::FIRST_COMPLETED);
    together({[&] {
                  two.turn();
                  wait.leave();
              },
              [&] { require(two.complete(0), "nobody else"); }});
    two.turn();
    require(!two[1].state().has_waiters(), "nothing is left behind");
}

void a_loop_with_a_wait_closes() {
    Two two;
    Wait wait(two, weft::ALL_COMPLETED);
    together({[&] {
                  two.loops.close();
                  wait.leave();
              },
              [&] { require(two.complete(0), "nobody else"); }, [&] { require(two.complete(1), "nobody else"); }});
    two.check_left_alone();
}

std::unique_ptr<Iterating> iteration(const Two& two) {
    const OnLoop here(two.loops[0]);
    return std::make_unique<Iterating>(two.states(), std::nullopt);
}

void an_iteration_is_left() {
    Two two;
    auto iterating = iteration(two);
    together({[&] {
                  two.turn();
                  iterating.reset();
              },
              [&] { require(two.complete(0), "nobody else"); }, [&] { require(two.complete(1), "nobody else"); }});
    two.turn();
    two.check_left_alone();
}

void an_iteration_is_left_early() {
    Two two;
    auto iterating = iteration(two);
    together({[&] {
                  two.turn();
                  iterating.reset();
              },
              [&] { require(two.complete(0), "nobody else"); }});
    two.turn();
    require(!two[1].state().has_waiters(), "nothing is left behind");
}

void a_loop_with_an_iteration_closes() {
    Two two;
    auto iterating = iteration(two);
    together({[&] {
                  two.loops.close();
                  iterating.reset();
              },
              [&] { require(two.complete(0), "nobody else"); }, [&] { require(two.complete(1), "nobody else"); }});
    two.check_left_alone();
}

// --- shield -----------------------------------------------------------------------------------------------------------

Future<int> shielded(const Two& two) {
    const OnLoop here(two.loops[0]);
    return weft::shield(two[0]);
}

// The loop may be faster than the canceller. The shield has left the list behind that: a failure is reported as soon as it
// happens.
void a_shield_is_cancelled() {
    static int reports = 0;
    reports = 0;
    weft::sync::set_report_sink([](const weft::ExceptionContext&) { ++reports; });
    const Two two;
    const auto outer = shielded(two);
    together({[&] { two.loops.run(0); },
              [&] {
                  require(outer.cancel(), "nobody else");
                  two.loops.stop();
              }});
    two.turn();
    two[0].set_exception(std::make_exception_ptr(std::runtime_error("late")));
    two.turn();
    require(reports == 1, "nobody else sees it");
}

// Where the inner future ends, too, the outer one has its value or the cancel.
void a_shield_ends_and_is_cancelled() {
    Two two;
    const auto outer = shielded(two);
    bool cancelled = false;
    together({[&] { two.turn(); }, [&] { require(two.complete(0), "a cancellation does not reach it"); },
              [&] { cancelled = outer.cancel(); }});
    two.turn();
    require(outer.done() && outer.cancelled() == cancelled, "as it was told");
    require(cancelled || outer.result() == 0, "the value");
}

void a_loop_with_a_shield_closes() {
    Two two;
    auto outer = shielded(two);
    together({[&] { two.loops.close(); }, [&] { require(two.complete(0), "a cancellation does not reach it"); },
              [&] {
                  (void)outer.cancel();
                  outer = {};
              }});
}

}  // namespace

WEFT_MODEL("gather of a loop by itself: two children end, turns", children_of_a_gather_end,
           {.type = "Gather", .threads = {"run", "complete", "complete"}});
WEFT_MODEL("gather of a loop by itself: a child ends, cancel, turns", a_gather_is_cancelled,
           {.type = "Gather", .threads = {"run", "complete", "cancel"}});
WEFT_MODEL("gather of a loop by itself: cancel, turns", a_gather_alone_is_cancelled,
           {.type = "Gather", .threads = {"run", "cancel"}});
WEFT_MODEL("gather of a loop by itself: two children end, close", a_loop_with_a_gather_closes,
           {.type = "Gather", .threads = {"close", "complete", "complete"}});

WEFT_MODEL("wait of a loop by itself: all end, turns", members_of_a_wait_end,
           {.type = "Wait", .threads = {"run", "complete", "complete"}});
WEFT_MODEL("wait of a loop by itself: all end, and it is left", a_wait_is_left,
           {.type = "Wait", .threads = {"run, leave", "complete", "complete"}});
WEFT_MODEL("wait of a loop by itself: one ends, and it is left", a_wait_is_left_early,
           {.type = "Wait", .threads = {"run, leave", "complete"}});
WEFT_MODEL("wait of a loop by itself: all end, close", a_loop_with_a_wait_closes,
           {.type = "Wait", .threads = {"close, leave", "complete", "complete"}});

WEFT_MODEL("as_completed of a loop by itself: all end, and it is left", an_iteration_is_left,
           {.type = "Completions", .threads = {"run, leave", "complete", "complete"}});
WEFT_MODEL("as_completed of a loop by itself: one ends, and it is left", an_iteration_is_left_early,
           {.type = "Completions", .threads = {"run, leave", "complete"}});
WEFT_MODEL("as_completed of a loop by itself: all end, close", a_loop_with_an_iteration_closes,
           {.type = "Completions", .threads = {"close, leave", "complete", "complete"}});

WEFT_MODEL("shield of a loop by itself: cancelled from outside", a_shield_is_cancelled,
           {.type = "Shield", .threads = {"detach", "cancel"}});
WEFT_MODEL("shield of a loop by itself: the inner future ends, cancel", a_shield_ends_and_is_cancelled,
           {.type = "Shield", .threads = {"run, detach", "ended", "cancel"}});
WEFT_MODEL("shield of a loop by itself: the inner future ends, cancel, close", a_loop_with_a_shield_closes,
           {.type = "Shield", .threads = {"close", "ended", "cancel, release"}});
