// FutureState: one completer wins, each waiter is woken once, in its turn, or taken out, and what the winner wrote
// reaches them; the last owner destroys it.
#include "sync/future_state.hpp"

#include <array>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "sync/exception_handler.hpp"
#include "sync/report.hpp"
#include "sync/value_state.hpp"
#include "tests/model/models.hpp"

using weft::model::Cell;
using weft::model::require;
using weft::model::together;
using weft::sync::FutureState;
using weft::sync::Outcome;
using weft::sync::RemovableWaiter;
using weft::sync::ValueFutureState;

namespace {

// Counts those that it wakes: one thread wakes them all.
class Watched final : public ValueFutureState<int> {
public:
    explicit Watched(std::uint32_t references = 1) : ValueFutureState<int>(references) {}

    [[nodiscard]] int seven() { return *static_cast<int*>(value()); }
    int woken_so_far() {
        const int before = woken_.get();
        woken_.set(before + 1);
        return before;
    }

private:
    Cell<int> woken_{0};
};

// One that lives as long as the model needs it.
class Held {
public:
    Held() : state_(*new Watched()) {}
    ~Held() { state_.release(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    Watched* operator->() const { return &state_; }
    Watched& operator*() const { return state_; }

private:
    Watched& state_;
};

// Notes what it is told, and reads the outcome, as a task would.
class Noting final : public RemovableWaiter {
public:
    explicit Noting(Watched& future) : future_(future) {}

    void wake() noexcept override {
        require(future_.done(), "woken when it is done");
        require(future_.outcome() != Outcome::none, "the outcome can be read");
        if (future_.outcome() == Outcome::value) require(future_.seven() == 7, "so can the value");
        require(woken_.get() == 0, "woken once");
        woken_.set(1 + future_.woken_so_far());
    }
    void abandon() noexcept override { abandoned_.set(abandoned_.get() + 1); }
    void run() noexcept override {}
    void drop() noexcept override {}

    bool add() { return future_.add_waiter(*this) == FutureState::Add::added; }
    // From then on it is the caller's.
    void remove() {
        if (!future_.remove_waiter(*this)) return;
        require(woken_.get() == 0, "not woken");
        woken_.set(-1);
        next_ = this;
    }
    [[nodiscard]] bool woken() const { return woken_.get() > 0; }
    [[nodiscard]] bool removed() const { return woken_.get() < 0; }

    Watched& future_;
    Cell<int> woken_{0};  // as which one; -1: removed
    Cell<int> abandoned_{0};
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
              [&] { added = waiter.add(); }});
    require(future->done(), "one of them has completed it");
    require((future->outcome() == Outcome::value) == (winners == 1), "the winner's outcome");
    require(waiter.woken() == added, "woken, if it was added");
}

// Who finds it done reads everything; who adds itself too late, too.
void complete_and_look() {
    Held future;
    Noting waiter(*future);
    together({[&] { require(future->try_set_value(7), "there is nobody else"); },
              [&] {
                  if (!future->done()) return;
                  require(future->outcome() == Outcome::value && future->seven() == 7, "what was written before");
              },
              [&] {
                  if (!waiter.add()) require(future->seven() == 7, "what was written before");
              }});
}

// Failures, too, and who wins takes nothing from who loses.
void fail_and_cancel() {
    Held future;
    bool cancelled = false;
    bool failed = false;
    together({[&] { failed = future->try_set_exception(std::make_exception_ptr(std::runtime_error("no"))); },
              [&] { cancelled = future->cancel("enough"); },
              [&] {
                  if (future->done()) require(future->failure() != nullptr, "it can be read");
              }});
    require(failed != cancelled, "one of them");
    require(future->outcome() == (failed ? Outcome::exception : Outcome::cancelled), "the winner's outcome");
    (void)future->failure();
}

void two_add_and_one_completes() {
    Held future;
    std::array<Noting, 2> waiters{Noting(*future), Noting(*future)};
    std::array<bool, 2> added{};
    together({[&] { added[0] = waiters[0].add(); }, [&] { added[1] = waiters[1].add(); },
              [&] { (void)future->try_set_value(7); }});
    for (const std::size_t i : {0U, 1U}) require(waiters[i].woken() == added[i], "woken, if it was added");
}

// So many in line, and who comes later.
template <std::size_t kCount>
class Line {
public:
    Line() {
        for (auto& waiter : waiters_) waiter.emplace(*future_);
        for (std::size_t i = 0; i + 1 < kCount; ++i) add(i);
    }

    Held& future() { return future_; }
    void complete() { require(future_->try_set_value(7), "there is nobody else"); }
    void remove(std::size_t i) { waiters_[i]->remove(); }
    bool add(std::size_t i) { return waiters_[i]->add(); }
    void add_newest() { added_ = add(kCount - 1); }

    // Each was taken out or woken, in the order of coming.
    void check_all_ended() const {
        int last = 0;
        for (std::size_t i = 0; i + 1 < kCount || (i < kCount && added_); ++i) {
            const int woken = waiters_[i]->woken_.get();
            require(woken != 0, "nobody is forgotten");
            if (woken < 0) continue;
            require(woken == last + 1, "in the order of coming");
            last = woken;
        }
    }
    [[nodiscard]] bool removed(std::size_t i) const { return waiters_[i]->removed(); }
    [[nodiscard]] bool woken(std::size_t i) const { return waiters_[i]->woken(); }

private:
    Held future_;
    std::array<std::optional<Noting>, kCount> waiters_;
    bool added_ = false;
};

// Two threads take one out each of three.
template <std::size_t kFirst, std::size_t kSecond>
void two_remove_and_one_completes() {
    Line<4> line;
    together({[&] { line.remove(kFirst); }, [&] { line.remove(kSecond); }, [&] { line.complete(); }});
    line.check_all_ended();
}

// Others come while the newest goes.
void remove_and_add_and_complete() {
    Line<3> line;
    together({[&] { line.remove(1); }, [&] { line.add_newest(); }, [&] { line.complete(); }});
    line.check_all_ended();
}

// Whoever ends it last wakes the rest, also if that is an editor.
void remove_and_cancel_and_complete() {
    Line<3> line;
    together({[&] { line.remove(0); }, [&] { (void)line.future()->cancel({}); },
              [&] { (void)line.future()->try_set_value(7); }});
    line.check_all_ended();
}

// The list is whole after edits that met each other and a newcomer.
void two_remove_and_one_adds() {
    Line<4> line;
    together({[&] { line.remove(1); }, [&] { line.remove(2); }, [&] { line.add_newest(); }});
    require(line.removed(1) && line.removed(2), "it is pending: they are out");
    line.complete();
    line.check_all_ended();
}

// Each thread removes two, so that it works with links that the other one has made.
void edits_that_follow_each_other() {
    Line<5> line;
    together({[&] {
                  line.remove(0);
                  line.remove(3);
              },
              [&] {
                  line.remove(2);
                  line.remove(1);
              }});
    require(!line.future()->has_waiters(), "all are out");
}

// --- owners -------------------------------------------------------------------------------------------------------------

// Looks, when it ends, at what its owners did before they let it go.
class Owned final : public ValueFutureState<int> {
public:
    Owned(std::array<Cell<int>, 3>& notes, int& ended, std::uint32_t references)
        : ValueFutureState<int>(references), notes_(notes), ended_(ended) {}
    ~Owned() override {
        for (const Cell<int>& note : notes_) require(note.get() == 1, "all have let go");
        ++ended_;
    }

private:
    std::array<Cell<int>, 3>& notes_;
    int& ended_;
};

void the_last_owner_destroys() {
    std::array<Cell<int>, 3> notes;
    int ended = 0;
    auto* const future = new Owned(notes, ended, 2);
    notes[2].set(1);
    const auto let_go = [&](std::size_t i) {
        notes[i].set(1);
        future->release();
    };
    together({[&] {
                  (void)future->try_set_value(7);
                  let_go(0);
              },
              [&] {
                  future->retain();
                  future->release();
                  let_go(1);
              }});
    require(ended == 1, "once");
}

void three_owners() {
    std::array<Cell<int>, 3> notes;
    int ended = 0;
    auto* const future = new Owned(notes, ended, 3);
    const auto let_go = [&](std::size_t i) {
        notes[i].set(1);
        future->release();
    };
    together({[&] { let_go(0); }, [&] { let_go(1); }, [&] { let_go(2); }});
    require(ended == 1, "once");
}

// Copying looks at it, moving changes it.
class Value {
public:
    Value() = default;
    Value(const Value& other) : content_(other.content_.get()) {}
    Value(Value&& other) noexcept : content_(other.content_.get()) { other.content_.set(0); }
    Value& operator=(const Value&) = delete;

    Cell<int> content_{7};
};

// Who is the only owner may move the value away: nobody else reads it any more.
void the_only_owner_moves_the_value() {
    auto* const future = new ValueFutureState<Value>(1);
    future->retain();
    (void)future->try_set_value();
    const auto read = [&] {
        const auto value = weft::sync::read_value<Value>(*future, future->sole_owner());
        require(value.content_.get() == 7, "it was there");
        future->release();
    };
    together({read, read});
}

void a_move_only_value_has_one_taker() {
    Held future;
    std::array<bool, 2> took{};
    std::array<bool, 2> first{};
    together({[&] {
                  took[0] = future->take_once();
                  first[0] = future->first_shield_cancelled();
              },
              [&] {
                  took[1] = future->take_once();
                  first[1] = future->first_shield_cancelled();
              }});
    require(took[0] != took[1], "one");
    require(first[0] != first[1], "one");
}

// Whoever lets it go last knows that somebody else has looked at the failure.
void a_failure_that_was_seen() {
    weft::sync::set_report_sink([](const weft::ExceptionContext&) { require(false, "nothing to report"); });
    auto* const future = new ValueFutureState<int>(2);
    together({[&] {
                  (void)future->try_set_exception(std::make_exception_ptr(std::runtime_error("no")));
                  future->release();
              },
              [&] {
                  while (!future->done()) weft::scheduler::spin_hint();
                  require(future->failure() != nullptr, "it failed");
                  future->release();
              }});
    weft::sync::set_report_sink(nullptr);
}

// A canceller that comes too late has seen it: rule 49.
void a_failure_that_a_canceller_met() {
    static int reports;
    reports = 0;
    weft::sync::set_report_sink([](const weft::ExceptionContext&) { ++reports; });
    auto* const future = new ValueFutureState<int>(2);
    bool cancelled = false;
    together({[&] {
                  (void)future->try_set_exception(std::make_exception_ptr(std::runtime_error("no")));
                  future->release();
              },
              [&] {
                  cancelled = future->cancel({});
                  future->release();
              }});
    require(reports == 0, "cancelled, or seen by who wanted to cancel it");
    weft::sync::set_report_sink(nullptr);
}

// It ends without ever having been done: whoever waits is told.
void waiters_are_abandoned() {
    auto* const future = new Watched(2);
    std::array<Noting, 2> waiters{Noting(*future), Noting(*future)};
    const auto add_and_let_go = [&](std::size_t i) {
        require(waiters[i].add(), "it is pending");
        future->release();
    };
    together({[&] { add_and_let_go(0); }, [&] { add_and_let_go(1); }});
    for (const Noting& waiter : waiters) require(waiter.abandoned_.get() == 1, "told once");
}

}  // namespace

WEFT_MODEL("future: complete, cancel, add a waiter", complete_cancel_and_add,
           {.type = "FutureState",
            .threads = {"complete", "cancel", "add_waiter"},
            .limits = {.spurious_failures = 1}});

WEFT_MODEL("future: complete, look, add a waiter", complete_and_look,
           {.type = "FutureState", .threads = {"complete", "done, outcome", "add_waiter"}});

WEFT_MODEL("future: fail, cancel, look", fail_and_cancel,
           {.type = "FutureState", .threads = {"complete", "cancel", "done, outcome"}});

WEFT_MODEL("future: two add waiters while it completes", two_add_and_one_completes,
           {.type = "FutureState", .threads = {"add_waiter", "add_waiter", "complete"}});

WEFT_MODEL("future: the oldest and the newest waiter leave while it completes", (two_remove_and_one_completes<0, 2>),
           {.type = "FutureState", .threads = {"remove_waiter", "remove_waiter", "complete"}});

WEFT_MODEL("future: neighbours leave while it completes", (two_remove_and_one_completes<1, 2>),
           {.type = "FutureState", .threads = {"remove_waiter", "remove_waiter", "complete"}});

WEFT_MODEL("future: the newest waiter leaves while one comes and it completes", remove_and_add_and_complete,
           {.type = "FutureState", .threads = {"remove_waiter", "add_waiter", "complete"}});

WEFT_MODEL("future: a waiter leaves while two end it", remove_and_cancel_and_complete,
           {.type = "FutureState", .threads = {"remove_waiter", "cancel", "complete"}});

WEFT_MODEL("future: two waiters leave while one comes", two_remove_and_one_adds,
           {.type = "FutureState", .threads = {"remove_waiter", "remove_waiter", "add_waiter"}});

WEFT_MODEL("future: two threads take two waiters out each", edits_that_follow_each_other,
           {.type = "FutureState", .threads = {"remove_waiter", "remove_waiter"}});

WEFT_MODEL("future: the last owner destroys it", the_last_owner_destroys,
           {.type = "FutureState", .threads = {"complete, release", "retain, release"}});

WEFT_MODEL("future: three owners", three_owners, {.type = "FutureState", .threads = {"release", "release", "release"}});

WEFT_MODEL("future: the only owner moves the value", the_only_owner_moves_the_value,
           {.type = "FutureState", .threads = {"sole_owner, release", "sole_owner, release"}});

WEFT_MODEL("future: one taker, one first shield", a_move_only_value_has_one_taker,
           {.type = "FutureState",
            .threads = {"take_once, first_shield_cancelled", "take_once, first_shield_cancelled"}});

WEFT_MODEL("future: a failure that was seen is not reported", a_failure_that_was_seen,
           {.type = "FutureState", .threads = {"complete, release", "done, outcome, release"}});

WEFT_MODEL("future: a failure that a canceller met is not reported", a_failure_that_a_canceller_met,
           {.type = "FutureState", .threads = {"complete, release", "cancel, release"}});

WEFT_MODEL("future: waiters of one that never was done", waiters_are_abandoned,
           {.type = "FutureState", .threads = {"add_waiter, release", "add_waiter, release"}});
