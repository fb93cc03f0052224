// Loop: whole loops, asleep or about to be, and those who send them work: everything runs once, nobody sleeps for ever.
#include "scheduler/loop.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "scheduler/neighbours.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"
#include "tests/model/once.hpp"
#include "tests/model/parker.hpp"

using weft::TimePoint;
using weft::model::Cell;
using weft::model::LoopParker;
using weft::model::Loops;
using weft::model::Once;
using weft::model::OnLoop;
using weft::model::Parker;
using weft::model::post;
using weft::model::Random;
using weft::model::Reads;
using weft::model::require;
using weft::model::together;
using weft::model::together_once_settled;
using weft::scheduler::Atomic;
using weft::scheduler::current_loop;
using weft::scheduler::Loop;
using weft::scheduler::Runnable;
using weft::scheduler::Sent;
using weft::scheduler::spin_hint;
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

// Whoever called run() sees what was done before the stop that ended it.
void what_came_before_a_stop() {
    const Loops loops(1);
    Cell<bool> done{false};
    together({[&] {
                  loops.run(0);
                  require(done.get(), "it is seen");
              },
              [&] {
                  done.set(true);
                  loops.stop();
              }});
}

// To unpark is a system call: of two that find the loop asleep one makes it.
void two_wakers() {
    class Counting final : public weft::scheduler::Parker {
    public:
        explicit Counting(Atomic<int>& unparks) : unparks_(unparks) {}
        std::size_t poll() override { return 0; }
        void park_until(std::optional<TimePoint>) override { parker_.park(); }
        void unpark() override {
            unparks_.fetch_add(1, std::memory_order_relaxed);
            parker_.unpark();
        }
        [[nodiscard]] TimePoint now() const override { return {}; }

    private:
        Atomic<int>& unparks_;
        weft::model::Parker parker_;
    };

    Atomic<int> unparks{0};
    const auto loop = std::make_unique<Loop>(std::make_unique<Counting>(unparks));  // too large for the stack
    const auto waker = [&] {
        while (loop->parks() == 0) spin_hint();
        loop->stop();
    };
    together({[&] { loop->run(); }, waker, waker});
    require(unparks.load() == 1, "once");
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

// Both sleep, and one is woken.
void an_injection() {
    const Loops loops(2);
    Countdown countdown(loops, 1);
    Job job(countdown);
    together_once_settled(2, {[&] { loops.run(0); }, [&] { loops.run(1); },
                              [&] { require(loops[0].inject(job) == Sent::sent, "it is open"); }});
    countdown.check();
}

// The one that runs is about to sleep; the other never begins.
void an_injection_for_one() {
    const Loops loops(2);
    Countdown countdown(loops, 1);
    Job job(countdown);
    together({[&] { loops.run(0); }, [&] { require(loops[1].inject(job) == Sent::sent, "it is open"); }});
    countdown.check();
}

void two_injections() {
    const Loops loops(2);
    Countdown countdown(loops, 2);
    Job first(countdown);
    Job second(countdown);
    together_once_settled(1,
                          {[&] { loops.run(0); }, [&] { require(loops[0].inject(first) == Sent::sent, "it is open"); },
                           [&] { require(loops[1].inject(second) == Sent::sent, "it is open"); }});
    countdown.check();
}

// Both sleep. One takes both and may not go on for long, while it counts as the one that searches: the other one waits, but
// does not go round and round.
void injections_one_after_the_other() {
    const Loops loops(2);
    Countdown countdown(loops, 2);
    Job first(countdown);
    Job second(countdown);
    together_once_settled(2, {[&] { loops.run(0); }, [&] { loops.run(1); },
                              [&] {
                                  require(loops[0].inject(first) == Sent::sent, "it is open");
                                  require(loops[0].inject(second) == Sent::sent, "it is open");
                              }});
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

// A loop in a long step of its own gives a branch away and sends another loop a long step, too; the third, which sleeps,
// takes the branch.
void a_long_step_of_a_searcher() {
    const Loops loops(3);
    Countdown countdown(loops, 2);
    Parker taken;
    Parker ended;
    Job branch(countdown, [&] {
        taken.unpark();
        ended.unpark();
    });
    Job pinned(countdown, [&] { ended.park(); });
    together_once_settled(1, {[&] { loops.run(2); },
                              [&] {
                                  const OnLoop here(loops[0]);
                                  require(loops[0].push_branch(branch), "there is room");
                                  post(loops[1], pinned);
                                  taken.park();
                              },
                              [&] { loops.run(1); }});
    countdown.check();
}

// As the last, but the loop that searches is stopped.
void a_stop_of_a_searcher() {
    const Loops loops(3);
    Countdown countdown(loops, 1);
    Parker taken;
    Job branch(countdown, [&] { taken.unpark(); });
    together_once_settled(1, {[&] { loops.run(2); },
                              [&] {
                                  const OnLoop here(loops[0]);
                                  require(loops[0].push_branch(branch), "there is room");
                                  loops[1].stop();
                                  taken.park();
                              },
                              [&] { loops.run(1); }});
    countdown.check();
}

// Two loops and a third, which sleeps until it is woken. The first gives a branch away, and somebody is to help it: the
// second takes the branch, or the third is woken; in the end that one runs what is left.
class TwoAndASleeper {
public:
    void give_branch_away() { require(first_->push_branch(branch_), "there is room"); }
    void wait_for_help() { helped_.park(); }
    [[nodiscard]] Loop& second() const { return *second_; }

    void race(std::function<void()> on_first) {
        while_third_sleeps_ = [this, on_first = std::move(on_first)] { together({on_first, [&] { second_->run(); }}); };
        for (int turn = 0; turn < 2; ++turn) third_->step();
        require(ran_, "it runs");
    }

private:
    class Sleeper final : public weft::scheduler::Parker {
    public:
        explicit Sleeper(TwoAndASleeper& all) : all_(all) {}
        std::size_t poll() override { return 0; }
        void park_until(std::optional<TimePoint>) override {
            if (const auto meanwhile = std::exchange(all_.while_third_sleeps_, nullptr)) meanwhile();
        }
        void unpark() override { all_.helped_.unpark(); }
        [[nodiscard]] TimePoint now() const override { return {}; }

    private:
        TwoAndASleeper& all_;
    };

    Parker helped_;
    bool ran_ = false;
    Once branch_{[this] {
        require(!std::exchange(ran_, true), "it runs once");
        helped_.unpark();
    }};
    std::function<void()> while_third_sleeps_;
    weft::scheduler::Neighbours group_{3, 1};
    const std::unique_ptr<Loop> first_ = std::make_unique<Loop>(std::make_unique<LoopParker>(), group_);
    const std::unique_ptr<Loop> second_ = std::make_unique<Loop>(std::make_unique<LoopParker>(), group_);
    const std::unique_ptr<Loop> third_ = std::make_unique<Loop>(std::make_unique<Sleeper>(*this), group_);
};

// As a_long_step_of_a_searcher.
void a_long_step_of_a_searcher_and_a_sleeper() {
    TwoAndASleeper loops;
    Once pinned([&] {
        loops.wait_for_help();
        loops.second().stop();
    });
    loops.race([&] {
        loops.give_branch_away();
        post(loops.second(), pinned);
    });
}

// As a_stop_of_a_searcher.
void a_stop_of_a_searcher_and_a_sleeper() {
    TwoAndASleeper loops;
    loops.race([&] {
        loops.give_branch_away();
        loops.second().stop();
        loops.wait_for_help();
    });
}

}  // namespace

WEFT_MODEL("loop: two posts", two_posts, {.type = "Loop", .threads = {"run", "post", "post"}});

WEFT_MODEL("loop: a post after the other", posts_one_after_the_other, {.type = "Loop", .threads = {"run", "post"}});

WEFT_MODEL("loop: a stop", a_stop, {.type = "Loop", .threads = {"run", "stop"}});

WEFT_MODEL("loop: what came before a stop", what_came_before_a_stop, {.type = "Loop", .threads = {"run", "stop"}});

WEFT_MODEL("loop: of two wakers one unparks it", two_wakers, {.type = "Loop", .threads = {"run", "stop", "stop"}});

WEFT_MODEL("loop: a stop of two that sleep", a_stop_of_two, {.type = "Loop", .threads = {"run", "run", "stop"}});

WEFT_MODEL("loop: a deadline and a post", a_deadline_and_a_post, {.type = "Loop", .threads = {"run, arm", "post"}});

WEFT_MODEL("loop: a post to one of two", a_post_to_one_of_two, {.type = "Loop", .threads = {"run", "run", "post"}});

WEFT_MODEL("loop: an injection", an_injection, {.type = "Loop", .threads = {"run", "run", "inject"}});

WEFT_MODEL("loop: an injection for one that is about to sleep", an_injection_for_one,
           {.type = "Loop", .threads = {"run", "inject"}});

WEFT_MODEL("loop: two injections", two_injections, {.type = "Loop", .threads = {"run", "inject", "inject"}});

WEFT_MODEL("loop: an injection after the other", injections_one_after_the_other,
           {.type = "Loop", .threads = {"run", "run", "inject"}});

WEFT_MODEL("loop: pushes from a long step", pushes_from_a_long_step,
           {.type = "Loop", .threads = {"run, push", "run, steal"}});

WEFT_MODEL("loop: a branch from a long step", a_branch_from_a_long_step,
           {.type = "Loop", .threads = {"run, push_branch", "run, steal"}});

WEFT_MODEL("loop: single pushes", single_pushes, {.type = "Loop", .threads = {"run, push", "run, steal"}});

WEFT_MODEL("loop: work is given away", work_is_given_away, {.type = "Loop", .threads = {"run, stop", "run"}});

WEFT_MODEL("loop: a searcher has a long step of its own", a_long_step_of_a_searcher,
           {.type = "Loop",
            .threads = {"run, steal", "push_branch, post", "run, search"},
            .limits = {.reads = Reads::newest}});

WEFT_MODEL("loop: a searcher has a long step of its own, at random", a_long_step_of_a_searcher,
           {.type = "Loop",
            .threads = {"run, steal", "push_branch, post", "run, search"},
            .random = Random{.executions = 20'000}});

WEFT_MODEL("loop: a searcher has a long step of its own, and one sleeps", a_long_step_of_a_searcher_and_a_sleeper,
           {.type = "Loop", .threads = {"push_branch, post", "run, search"}});

WEFT_MODEL("loop: a searcher is stopped, and one sleeps", a_stop_of_a_searcher_and_a_sleeper,
           {.type = "Loop", .threads = {"push_branch, stop", "run, search"}});

WEFT_MODEL("loop: a searcher is stopped", a_stop_of_a_searcher,
           {.type = "Loop",
            .threads = {"run, steal", "push_branch, stop", "run, search"},
            .limits = {.reads = Reads::newest}});

WEFT_MODEL("loop: a searcher is stopped, at random", a_stop_of_a_searcher,
           {.type = "Loop",
            .threads = {"run, steal", "push_branch, stop", "run, search"},
            .random = Random{.executions = 20'000}});
