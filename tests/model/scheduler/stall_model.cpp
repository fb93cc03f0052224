// Stall: two loops that look for one while the other may still move.
#include "scheduler/stall.hpp"

#include <chrono>

#include "scheduler/loop.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/once.hpp"

using weft::model::Loops;
using weft::model::Once;
using weft::model::post;
using weft::model::require;
using weft::model::together;
using weft::model::together_once_settled;
using weft::scheduler::Atomic;
using weft::scheduler::Loop;

namespace {

// Two loops in debug mode whose parks are bounded: time comes too early once, then only when nobody can go on. The first
// stall that is told stops them.
class Watchful {
public:
    Watchful() {
        for (Loop* loop : {&first(), &second()}) {
            loop->set_debug(true);
            loop->bound_parks(std::chrono::seconds(1), std::chrono::hours(1));
        }
        told_of = this;
        weft::scheduler::report_stall = [](const Loop&) noexcept {
            told_of->stalls_.fetch_add(1, std::memory_order_relaxed);
            told_of->ran_before_stall_ = told_of->ran_.exchange(true, std::memory_order_acq_rel);
            told_of->loops_.stop();
        };
    }
    Watchful(const Watchful&) = delete;
    Watchful& operator=(const Watchful&) = delete;
    ~Watchful() { weft::scheduler::report_stall = before_; }

    void run() {
        together({[&] { loops_.run(0); }, [&] { loops_.run(1); }});
    }
    // The second one sleeps.
    void run_once_settled() {
        together_once_settled(1, {[&] { loops_.run(1); }, [&] { loops_.run(0); }});
    }
    [[nodiscard]] Loop& first() const { return loops_[0]; }
    [[nodiscard]] Loop& second() const { return loops_[1]; }
    void check_no_rescue() const { require(first().rescues() + second().rescues() == 0, "a wake-up was on its way"); }
    void notes_run() { ran_.store(true, std::memory_order_release); }
    [[nodiscard]] bool ran_before_stall() const { return ran_before_stall_; }
    [[nodiscard]] int stalls() const { return stalls_.load(); }

private:
    static inline Watchful* told_of = nullptr;

    const weft::scheduler::ReportStall before_ = weft::scheduler::report_stall;
    const Loops loops_{2, 1};
    Atomic<int> stalls_{0};
    Atomic<bool> ran_{false};
    bool ran_before_stall_ = false;
};

// Nothing more will ever run after the second turn: both find out, one tells it.
void a_stall() {
    Watchful loops;
    Once second;
    Once first([&] { loops.first().push_pinned(second); });
    post(loops.first(), first);
    loops.run();
    require(loops.stalls() == 1, "it is told once");
    loops.check_no_rescue();
}

// What the first job sends to the other loop runs before anybody tells that nothing moves.
void no_stall() {
    Watchful loops;
    Once second([&] { loops.notes_run(); });
    Once first([&] { post(loops.second(), second); });
    post(loops.first(), first);
    loops.run_once_settled();
    require(loops.ran_before_stall(), "nothing moved");
    loops.check_no_rescue();
}

}  // namespace

WEFT_MODEL("loop: a stall", a_stall, {.type = "Loop", .threads = {"run, look for a stall", "run, look for a stall"}});

WEFT_MODEL("loop: no stall while something moves", no_stall,
           {.type = "Loop", .threads = {"run, post, look for a stall", "run, look for a stall"}});
