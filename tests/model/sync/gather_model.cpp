// What ends when others have ended: a gather, a wait, an iteration, a shield. Their members end on several threads while
// the outer future is cancelled, or left. Of a loop by itself: watcher_model.cpp.
#include "sync/gather.hpp"

#include <array>
#include <exception>
#include <optional>
#include <stdexcept>
#include <tuple>

#include "sync/as_completed.hpp"
#include "sync/exception_context.hpp"
#include "sync/future.hpp"
#include "sync/report.hpp"
#include "sync/shield.hpp"
#include "sync/wait.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"
#include "tests/model/sync/two_futures.hpp"

using weft::Future;
using weft::model::Cell;
using weft::model::OnLoop;
using weft::model::require;
using weft::model::together;
using weft::model::TwoFutures;
using weft::sync::Iterating;
using weft::sync::Waiter;
using weft::sync::Waiting;

namespace {

class Counting final : public Waiter {
public:
    void wake() noexcept override { woken_.set(woken_.get() + 1); }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    Cell<int> woken_;
};

// On a group of loops. Made on a loop; once that is left there are threads only.
class Two : public TwoFutures {
public:
    Two() : TwoFutures(2), here_(std::in_place, loops[0]) {}

    template <class Result>
    void watch(const Future<Result>& outer) {
        (void)outer.state().add_waiter(watching_);
        leave_loop();
    }
    void leave_loop() { here_.reset(); }
    [[nodiscard]] int woken() const { return watching_.woken_.get(); }

private:
    std::optional<OnLoop> here_;
    Counting watching_;
};

// --- gather -----------------------------------------------------------------------------------------------------------

void two_children_end() {
    Two two;
    const auto outer = weft::gather(two[0], two[1]);
    two.watch(outer);
    together({[&] { require(two.complete(0), "nobody else"); }, [&] { require(two.complete(1), "nobody else"); },
              [&] {
                  if (!outer.done()) return;
                  require(outer.result() == std::tuple(0, 1), "both values");
                  require(two.handed_over(0) && two.handed_over(1), "what each did before");
              }});
    require(outer.done() && two.woken() == 1, "it has ended once");
}

// One fails: that ends it, once; and nobody reaches for it later.
void a_child_fails() {
    weft::sync::set_report_sink([](const weft::ExceptionContext&) {});  // that nobody has seen the failure
    Two two;
    auto outer = weft::gather(two[0], two[1]);
    two.watch(outer);
    together({[&] { require(two.complete(0), "nobody else"); },
              [&] { (void)two[1].try_set_exception(std::runtime_error("no")); },
              [&] {
                  if (outer.done()) require(outer.exception() != nullptr, "it has failed");
                  outer = {};
              }});
    require(two.woken() == 1, "it has ended once");
}

// What cancel() says is what the gather does: accepted, and it ends cancelled; or nothing was cancelled, and it has values.
template <class... Options>
void children_end_and_a_gather_is_cancelled(Options... options) {
    Two two;
    const auto outer = weft::gather(options..., two[0], two[1]);
    two.watch(outer);
    bool cancelled = false;
    together({[&] { (void)two.complete(0); }, [&] { (void)two.complete(1); }, [&] { cancelled = outer.cancel(); }});
    require(outer.done() && two.woken() == 1, "it has ended once");
    require((outer.exception() != nullptr) == cancelled, "as it was told");
}

void all_children_are_results_and_a_gather_is_cancelled() {
    children_end_and_a_gather_is_cancelled(weft::return_exceptions);
}

// Rule 117: the request of either that a child accepts is a request to the gather.
void two_cancel_a_gather() {
    Two two;
    require(two.complete(0), "nobody else");
    const auto outer = weft::gather(weft::return_exceptions, two[0], two[1]);
    two.watch(outer);
    std::array<bool, 2> cancelled{};
    together({[&] { (void)two.complete(1); }, [&] { cancelled[0] = outer.cancel(); },
              [&] { cancelled[1] = outer.cancel(); }});
    require(outer.done() && two.woken() == 1, "it has ended once");
    require((outer.exception() != nullptr) == (cancelled[0] || cancelled[1]), "as they were told");
}

// --- wait -------------------------------------------------------------------------------------------------------------

template <weft::ReturnWhen kWhen>
void members_end_and_a_wait_is_left() {
    Two two;
    std::optional<Waiting> waiting(std::in_place, two.states(), kWhen);
    waiting->watch();
    two.leave_loop();
    std::array<bool, 2> ended{};
    together({[&] { ended[0] = two.complete(0); }, [&] { ended[1] = two.complete(1); },
              [&] {
                  if ((*waiting).operator co_await().await_ready()) {
                      if (kWhen == weft::ALL_COMPLETED) {
                          require(two.handed_over(0) && two.handed_over(1), "what each did before");
                      } else {
                          require(two[0].done() || two[1].done(), "one of them");
                      }
                  }
                  waiting.reset();
              }});
    require(ended[0] && ended[1], "the members are left alone");
}

// One member has not ended: nothing of the wait stays in its list.
void a_wait_is_left_early() {
    Two two;
    std::optional<Waiting> waiting(std::in_place, two.states(), weft::FIRST_COMPLETED);
    waiting->watch();
    two.leave_loop();
    together({[&] { require(two.complete(0), "nobody else"); }, [&] { waiting.reset(); }});
    require(!two[1].state().has_waiters(), "nothing is left behind");
}

// Nobody leaves: it ends, and who waits for it finds both.
void members_end_a_wait() {
    Two two;
    Waiting waiting(two.states(), weft::ALL_COMPLETED);
    waiting.watch();
    two.leave_loop();
    together({[&] { require(two.complete(0), "nobody else"); }, [&] { require(two.complete(1), "nobody else"); },
              [&] {
                  if (waiting.operator co_await().await_ready())
                      require(two[0].done() && two[1].done(), "both can be looked at");
              }});
    require(waiting.operator co_await().await_ready(), "it has ended");
}

// --- as_completed -----------------------------------------------------------------------------------------------------

void an_iteration_is_left() {
    Two two;
    std::optional<Iterating> iterating(std::in_place, two.states(), std::nullopt);
    two.leave_loop();
    together({[&] { require(two.complete(0), "nobody else"); }, [&] { require(two.complete(1), "nobody else"); },
              [&] { iterating.reset(); }});
    two.check_left_alone();
}

void an_iteration_is_left_early() {
    Two two;
    std::optional<Iterating> iterating(std::in_place, two.states(), std::nullopt);
    two.leave_loop();
    together({[&] { require(two.complete(0), "nobody else"); }, [&] { iterating.reset(); }});
    require(!two[1].state().has_waiters(), "nothing is left behind");
}

// --- shield -----------------------------------------------------------------------------------------------------------

void a_shield_is_cancelled() {
    Two two;
    auto outer = weft::shield(two[0]);
    two.watch(outer);
    bool cancelled = false;
    together({[&] { require(two.complete(0), "a cancellation does not reach it"); },
              [&] { cancelled = outer.cancel(); },
              [&] {
                  if (outer.done() && !outer.cancelled())
                      require(outer.result() == 0 && two.handed_over(0), "what was done before");
              }});
    require(outer.done() && two.woken() == 1, "it has ended once");
    require(outer.cancelled() == cancelled, "as it was told");
    require(two[0].result() == 0, "the value");
}

// Of two of the same future one leaves its list, or both are told.
void one_of_two_shields_is_cancelled() {
    Two two;
    const std::array<Future<int>, 2> outer{weft::shield(two[0]), weft::shield(two[0])};
    two.leave_loop();
    together({[&] { require(two.complete(0), "a cancellation does not reach it"); },
              [&] {
                  if (outer[0].cancel()) require(outer[0].cancelled(), "at once");
              }});
    require(outer[1].result() == 0, "the other");
    require(!two[0].state().has_waiters(), "nothing is left behind");
}

// Each leaves its list, and nobody holds them any longer.
void two_shields_are_left() {
    Two two;
    std::array<Future<int>, 2> outer{weft::shield(two[0]), weft::shield(two[0])};
    two.leave_loop();
    const auto leave = [&](std::size_t i) {
        (void)outer[i].cancel();
        outer[i] = {};
    };
    together({[&] { leave(0); }, [&] { leave(1); }});
    require(!two[0].state().has_waiters(), "nothing is left behind");
}

}  // namespace

WEFT_MODEL("gather: two children end", two_children_end,
           {.type = "Gather", .threads = {"child_done", "child_done", "done, outcome"}});

WEFT_MODEL("gather: a child fails", a_child_fails,
           {.type = "Gather", .threads = {"child_done", "child_done with a failure", "done, outcome, release"}});

WEFT_MODEL("gather: two children end, cancel", children_end_and_a_gather_is_cancelled<>,
           {.type = "Gather", .threads = {"child_done", "child_done", "cancel"}});

WEFT_MODEL("gather: two children end, cancel, failures are results", all_children_are_results_and_a_gather_is_cancelled,
           {.type = "Gather", .threads = {"child_done", "child_done", "cancel"}});

WEFT_MODEL("gather: one child ends, two cancel", two_cancel_a_gather,
           {.type = "Gather", .threads = {"child_done", "cancel", "cancel"}});

WEFT_MODEL("wait: all end", members_end_a_wait, {.type = "Wait", .threads = {"member_done", "member_done", "done"}});

WEFT_MODEL("wait: all end, and it is left", members_end_and_a_wait_is_left<weft::ALL_COMPLETED>,
           {.type = "Wait", .threads = {"member_done", "member_done", "done, leave"}});

WEFT_MODEL("wait: the first ends, and it is left", members_end_and_a_wait_is_left<weft::FIRST_COMPLETED>,
           {.type = "Wait", .threads = {"member_done", "member_done", "done, leave"}});

WEFT_MODEL("wait: one ends, and it is left", a_wait_is_left_early,
           {.type = "Wait", .threads = {"member_done", "leave"}});

WEFT_MODEL("as_completed: all end, and it is left", an_iteration_is_left,
           {.type = "Completions", .threads = {"member_done", "member_done", "leave"}});

WEFT_MODEL("as_completed: one ends, and it is left", an_iteration_is_left_early,
           {.type = "Completions", .threads = {"member_done", "leave"}});

WEFT_MODEL("shield: the inner future ends, cancel", a_shield_is_cancelled,
           {.type = "Shield", .threads = {"ended", "cancel", "done, outcome"}});

WEFT_MODEL("shield: the inner future of two ends, cancel", one_of_two_shields_is_cancelled,
           {.type = "Shield", .threads = {"ended", "cancel"}});

WEFT_MODEL("shield: two are cancelled and left", two_shields_are_left,
           {.type = "Shield", .threads = {"cancel, release", "cancel, release"}});
