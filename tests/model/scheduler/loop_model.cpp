// Loop: whole loops, asleep or about to be, and those who send them work: everything runs once, nobody sleeps for ever.
#include "scheduler/loop.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>

#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"
#include "tests/model/parker.hpp"

using weft::TimePoint;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::Parker;
using weft::model::require;
using weft::model::together;
using weft::model::together_once_settled;
using weft::scheduler::Atomic;
using weft::scheduler::current_loop;
using weft::scheduler::Loop;
using weft::scheduler::Runnable;
using weft::scheduler::Sent;
using weft::scheduler::Timer;

namespace {

// Ends the run when so many have ended.
class Countdown {
public:
    Countdown(const Loops& loops, int count) : loops_(loops), left_(count) {}

    void one_less() {
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) loops_.stop();
    }
    void check() const { require(left_.load() == 0, "everything has run"); }

private:
    const Loops& loops_;
    Atomic<int> left_;
};

// Runs what it was made of, once.
class Job : public Runnable {
public:
    explicit Job(
        Countdown& countdown, std::function<void()> what = [] {})
        : what_(std::move(what)), countdown_(countdown) {}
    ~Job() = default;

    void run() noexcept override {
        require(!ran_.get(), "it runs once");
        ran_.set(true);
        what_();
        countdown_.one_less();
    }
    void drop() noexcept override { require(false, "it is not dropped"); }

private:
    const std::function<void()> what_;
    Countdown& countdown_;
    Cell<bool> ran_{false};
};

class Alarm final : public Timer {
public:
    explicit Alarm(Countdown& countdown) : countdown_(countdown) {}

    void fire() noexcept override { countdown_.one_less(); }
    void discard() noexcept override { require(false, "it has fired"); }

private:
    Countdown& countdown_;
};

void post(const Loop& loop, Runnable& job) { require(const_cast<Loop&>(loop).post(job) == Sent::sent, "it is open"); }

// --- one loop -----------------------------------------------------------------------------------

void two_posts() {
    const Loops loops(1);
    Countdown countdown(loops, 2);
    Job first(countdown);
    Job second(countdown);
    together({[&] { loops.run(0); }, [&] { post(loops[0], first); }, [&] { post(loops[0], second); }});
    countdown.check();
}

void posts_one_after_the_other() {
    const Loops loops(1);
    Countdown countdown(loops, 2);
    Job first(countdown);
    Job second(countdown);
    together({[&] { loops.run(0); },
              [&] {
                  post(loops[0], first);
                  post(loops[0], second);
              }});
    countdown.check();
}

void a_stop() {
    const Loops loops(1);
    Countdown countdown(loops, 1);
    Job job(countdown);
    post(loops[0], job);
    together({[&] { loops.run(0); }, [&] { loops.stop(); }});
    countdown.check();
}

void a_stop_of_two() {
    const Loops loops(2);
    together({[&] { loops.run(0); }, [&] { loops.run(1); }, [&] { loops.stop(); }});
}

// The deadline comes, or the message, or one after the other.
void a_deadline_and_a_post() {
    const Loops loops(1);
    Countdown countdown(loops, 2);
    Alarm alarm(countdown);
    Job job(countdown);
    loops[0].arm(alarm, TimePoint{} + std::chrono::seconds(1));
    together({[&] { loops.run(0); }, [&] { post(loops[0], job); }});
    countdown.check();
}

// --- two loops ----------------------------------------------------------------------------------

void a_post_to_one_of_two() {
    const Loops loops(2);
    Countdown countdown(loops, 1);
    Job job(countdown);
    together({[&] { loops.run(0); }, [&] { loops.run(1); }, [&] { post(loops[0], job); }});
    countdown.check();
}

// One of them sleeps.
void an_injection() {
    const Loops loops(2);
    Countdown countdown(loops, 1);
    Job job(countdown);
    together_once_settled(1, {[&] { loops.run(1); }, [&] { loops.run(0); },
                              [&] { require(loops[0].inject(job) == Sent::sent, "it is open"); }});
    countdown.check();
}

// Both sleep.
void two_injections() {
    const Loops loops(2);
    Countdown countdown(loops, 2);
    Job first(countdown);
    Job second(countdown);
    together_once_settled(2, {[&] { loops.run(0); }, [&] { loops.run(1); },
                              [&] { require(loops[0].inject(first) == Sent::sent, "it is open"); },
                              [&] { require(loops[1].inject(second) == Sent::sent, "it is open"); }});
    countdown.check();
}

// Two pushes are more than the loop will run next, and it is in a long step: the other one is woken and takes one.
void pushes_from_a_long_step() {
    const Loops loops(2);
    Countdown countdown(loops, 3);
    Parker taken;
    Job first(countdown, [&] {
        require(current_loop() == &loops[1], "taken by the other");
        taken.unpark();
    });
    Job second(countdown);
    Job pushing(countdown, [&] {
        loops[0].push(first);
        loops[0].push(second);
        taken.park();
    });
    post(loops[0], pushing);
    together({[&] { loops.run(0); }, [&] { loops.run(1); }});
    countdown.check();
}

// As the last, with a branch instead.
void a_branch_from_a_long_step() {
    const Loops loops(2);
    Countdown countdown(loops, 2);
    Parker taken;
    Job branch(countdown, [&] {
        require(current_loop() == &loops[1], "taken by the other");
        taken.unpark();
    });
    Job pushing(countdown, [&] {
        require(loops[0].push_branch(branch), "there is room");
        taken.park();
    });
    post(loops[0], pushing);
    together({[&] { loops.run(0); }, [&] { loops.run(1); }});
    countdown.check();
}

// A single one runs wherever; a loop whose own loop goes on is not in need of a thief.
void single_pushes() {
    const Loops loops(2);
    Countdown countdown(loops, 3);
    Job second(countdown);
    Job first(countdown, [&] { current_loop()->push(second); });
    Job pushing(countdown, [&] { loops[0].push(first); });
    post(loops[0], pushing);
    together({[&] { loops.run(0); }, [&] { loops.run(1); }});
    countdown.check();
}

// A loop ends with work that anybody may take: the other one gets it, asleep or not.
void work_is_given_away() {
    const Loops loops(2);
    Countdown countdown(loops, 2);
    Job left(countdown, [&] { require(current_loop() == &loops[1], "the other goes on"); });
    Job last(countdown, [&] {
        loops[0].push(left);
        loops[0].stop();
    });
    post(loops[0], last);
    together({[&] { loops.run(0); }, [&] { loops.run(1); }});
    countdown.check();
}

// A loop in a long step of its own gives away two tasks and sends another loop a long one, too; the third, which sleeps,
// takes one of the two.
void a_long_step_of_a_searcher() {
    const Loops loops(3);
    Countdown countdown(loops, 3);
    Parker taken;
    Parker ended;
    Job first(countdown, [&] {
        taken.unpark();
        ended.unpark();
    });
    Job second(countdown);
    Job pinned(countdown, [&] { ended.park(); });
    const auto long_step = [&] {
        const OnLoop here(loops[0]);
        loops[0].push(first);
        loops[0].push(second);
        post(loops[1], pinned);
        taken.park();
    };
    together_once_settled(1, {[&] { loops.run(2); },
                              [&] {
                                  long_step();
                                  loops.run(0);
                              },
                              [&] { loops.run(1); }});
    countdown.check();
}

// As the last, but the loop that searches is stopped.
void a_stop_of_a_searcher() {
    const Loops loops(3);
    Countdown countdown(loops, 2);
    Parker taken;
    Job first(countdown, [&] { taken.unpark(); });
    Job second(countdown);
    const auto long_step = [&] {
        const OnLoop here(loops[0]);
        loops[0].push(first);
        loops[0].push(second);
        loops[1].stop();
        taken.park();
    };
    together_once_settled(1, {[&] { loops.run(2); },
                              [&] {
                                  long_step();
                                  loops.run(0);
                              },
                              [&] { loops.run(1); }});
    countdown.check();
}

}  // namespace

WEFT_MODEL("loop: two posts", two_posts, {.type = "Loop", .threads = {"run", "post", "post"}});

WEFT_MODEL("loop: a post after the other", posts_one_after_the_other, {.type = "Loop", .threads = {"run", "post"}});

WEFT_MODEL("loop: a stop", a_stop, {.type = "Loop", .threads = {"run", "stop"}});

WEFT_MODEL("loop: a stop of two that sleep", a_stop_of_two, {.type = "Loop", .threads = {"run", "run", "stop"}});

WEFT_MODEL("loop: a deadline and a post", a_deadline_and_a_post, {.type = "Loop", .threads = {"run, arm", "post"}});

WEFT_MODEL("loop: a post to one of two", a_post_to_one_of_two, {.type = "Loop", .threads = {"run", "run", "post"}});

WEFT_MODEL("loop: an injection", an_injection, {.type = "Loop", .threads = {"run", "run", "inject"}});

WEFT_MODEL("loop: two injections", two_injections,
           {.type = "Loop", .threads = {"run", "run", "inject", "inject"}, .limits = {.preemptions = 2}});

WEFT_MODEL("loop: pushes from a long step", pushes_from_a_long_step,
           {.type = "Loop", .threads = {"run, push", "run, steal"}});

WEFT_MODEL("loop: a branch from a long step", a_branch_from_a_long_step,
           {.type = "Loop", .threads = {"run, push_branch", "run, steal"}});

WEFT_MODEL("loop: single pushes", single_pushes, {.type = "Loop", .threads = {"run, push", "run, steal"}});

WEFT_MODEL("loop: work is given away", work_is_given_away, {.type = "Loop", .threads = {"run, stop", "run"}});

WEFT_MODEL("loop: a searcher has a long step of its own", a_long_step_of_a_searcher,
           {.type = "Loop", .threads = {"run, steal", "run, push, post", "run, search"}});

WEFT_MODEL("loop: a searcher is stopped", a_stop_of_a_searcher,
           {.type = "Loop", .threads = {"run, steal", "run, push, stop", "run, search"}});
