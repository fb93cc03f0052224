// One loop: its turn, its end, its close. Several loops are in loops_test.cpp.
#include "scheduler/loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "scheduler/condvar_parker.hpp"
#include "scheduler/schedule.hpp"
#include "scheduler/virtual_parker.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/recording.hpp"
#include "tests/support/scripted.hpp"

using namespace std::chrono_literals;
using weft::TimePoint;
using weft::scheduler::Affinity;
using weft::scheduler::CondvarParker;
using weft::scheduler::current_loop;
using weft::scheduler::Deadlock;
using weft::scheduler::Loop;
using weft::scheduler::LoopLocal;
using weft::scheduler::Parker;
using weft::scheduler::Runnable;
using weft::scheduler::schedule;
using weft::scheduler::Sent;
using weft::scheduler::Shell;
using weft::scheduler::Timer;
using weft::scheduler::VirtualParker;
using weft::test::counting;
using weft::test::eventually;
using weft::test::Log;
using weft::test::Recordings;
using weft::test::Scripted;

namespace {

std::unique_ptr<Loop> make_loop() { return std::make_unique<Loop>(std::make_unique<VirtualParker>()); }

// A timer that queues a Runnable, as all timers do.
class Alarm final : public Timer {
public:
    explicit Alarm(Runnable& runnable) : runnable_(runnable) {}
    void fire() noexcept override { current_loop()->push_pinned(runnable_); }
    void discard() noexcept override { runnable_.drop(); }

private:
    Runnable& runnable_;
};

// Time stands still; what poll and park_until find is up to the test.
class ListeningParker final : public Parker {
public:
    std::size_t poll() override {
        ++polls;
        if (on_poll) on_poll();
        return 0;
    }
    void park_until(std::optional<TimePoint>) override {
        ++parks;
        if (on_park) on_park();
    }
    void unpark() override { ++unparks; }
    [[nodiscard]] TimePoint now() const override {
        if (const auto once = std::exchange(on_now, nullptr)) once();
        return TimePoint{};
    }

    int polls = 0;
    int parks = 0;
    int unparks = 0;
    std::function<void()> on_poll;
    std::function<void()> on_park;
    mutable std::function<void()> on_now;
};

}  // namespace

TEST_CASE("rule 2: a turn runs what was ready when it began") {
    Recordings r(3);
    const auto loop = make_loop();
    Scripted adds([&] {
        loop->push_pinned(r[2]);
        loop->push(r[3]);
    });
    loop->push(adds);
    loop->push(r[1]);
    loop->step();
    CHECK(r.log() == Log{1});
    loop->step();
    CHECK(r.log() == Log{1, 2, 3});
}

TEST_CASE("rule 1: alone, all ready work is one queue, first in, first out") {
    Recordings r(600);
    const auto loop = make_loop();
    for (int i = 1; i <= 600; ++i) i % 3 == 0 ? loop->push_pinned(r[i]) : loop->push(r[i]);
    loop->step();
    CHECK(r.log() == counting(1, 600));
}

TEST_CASE("rules 4 and 5: a due timer queues behind what is ready, in the same turn") {
    Recordings r(4);
    const auto loop = make_loop();
    Alarm first(r[3]);
    Alarm second(r[4]);
    loop->arm(second, loop->now() + 2s);
    loop->arm(first, loop->now() + 1s);
    CHECK(loop->armed_timers() == 2);
    static_cast<VirtualParker&>(loop->parker()).advance(2s);
    loop->push(r[1]);
    loop->push(r[2]);
    loop->step();
    CHECK(r.log() == counting(1, 4));
    CHECK(loop->armed_timers() == 0);
}

TEST_CASE("rules 3 and 4: in a turn events are polled, then due timers queued, then the batch runs") {
    Recordings r(5);
    auto parker = std::make_unique<ListeningParker>();
    ListeningParker& listening = *parker;
    const auto loop = std::make_unique<Loop>(std::move(parker));
    Alarm due(r[4]);
    Alarm cancelled(r[5]);
    Scripted adds([&] {
        r[2].run();
        loop->push(r[1]);  // for the next turn, behind which the batch must not look
    });
    SUBCASE("nothing is ready: it parks, and what that brings goes before the timers that are due") {
        loop->arm(cancelled, TimePoint{} + 1s);
        CHECK(loop->disarm(cancelled));
        listening.on_park = [&] {
            loop->arm(due, TimePoint{});
            loop->push(adds);
            loop->push(r[3]);
        };
        loop->step();
        CHECK(listening.parks == 1);
        CHECK(r.log() == Log{2, 3, 4});
    }
    SUBCASE("a timer is due already: it looks for events without blocking, and they go first") {
        loop->arm(due, TimePoint{});
        listening.on_poll = [&] {
            loop->push(adds);
            loop->push(r[3]);
        };
        loop->step();
        CHECK(listening.parks == 0);
        CHECK(listening.polls == 1);
        CHECK(r.log() == Log{2, 3, 4});
    }
    SUBCASE("stop was asked: it does not block") {
        loop->push(adds);
        loop->push(r[3]);
        loop->arm(due, TimePoint{});
        loop->stop();
        loop->run();
        CHECK(listening.parks == 0);
        CHECK(listening.polls == 1);
        CHECK(r.log() == Log{2, 3, 4});
    }
    listening.on_poll = nullptr;
    loop->step();
    CHECK(r.log().back() == 1);
    loop->close();
}

TEST_CASE("rule 7: a timer whose deadline is now is due, one tick later it is not") {
    Recordings r(2);
    const auto loop = make_loop();
    Alarm now(r[1]);
    Alarm later(r[2]);
    Scripted nothing([] {});
    loop->arm(later, loop->now() + 1ns);
    loop->arm(now, loop->now());
    loop->push(nothing);
    loop->step();
    CHECK(r.log() == Log{1});
    loop->push(nothing);
    loop->step();
    CHECK(r.log() == Log{1});
    static_cast<VirtualParker&>(loop->parker()).advance(1ns);
    loop->push(nothing);
    loop->step();
    CHECK(r.log() == Log{1, 2});
}

TEST_CASE("loop: with nothing ready it waits for the next deadline and runs what is due") {
    Recordings r(2);
    const auto loop = make_loop();
    Alarm early(r[1]);
    Alarm late(r[2]);
    const TimePoint start = loop->now();
    loop->arm(late, start + 2h);
    loop->arm(early, start + 1h);
    loop->step();
    CHECK(loop->now() == start + 1h);
    CHECK(r.log() == Log{1});
    CHECK(loop->disarm(late));
    CHECK_FALSE(loop->disarm(late));
    CHECK_THROWS_AS(loop->step(), Deadlock);
}

TEST_CASE("loop: a busy loop still sees its timers") {
    Recordings r(1);
    const auto loop = make_loop();
    Alarm alarm(r[1]);
    loop->arm(alarm, loop->now() + 1s);
    Scripted busy([&] {
        static_cast<VirtualParker&>(loop->parker()).advance(100ms);
        loop->push(busy);
    });
    loop->push(busy);
    for (int turn = 0; turn < 11; ++turn) loop->step();
    CHECK(r.log() == Log{1});
    loop->close();
}

TEST_CASE("rules 13 and 14: stop ends run after the batch") {
    Recordings r(2);
    const auto loop = make_loop();
    Scripted stops([&] { loop->stop(); });
    Scripted adds([&] { loop->push(r[2]); });
    loop->push(stops);
    loop->push(r[1]);
    loop->push(adds);
    loop->run();
    CHECK(r.log() == Log{1});
    CHECK_FALSE(loop->stopping());
    SUBCASE("and what is left runs in the next run") {
        loop->stop();
        loop->run();
        CHECK(r.log() == Log{1, 2});
    }
}

TEST_CASE("rule 13: a stop before run makes one turn, even with nothing to do") {
    Recordings r(1);
    const auto loop = make_loop();
    loop->stop();
    loop->run();  // does not park: that would be a Deadlock
    CHECK_FALSE(loop->stopping());
    loop->push(r[1]);
    loop->stop();
    loop->run();
    CHECK(r.log() == Log{1});
}

TEST_CASE("loop: knows that it runs and is current only while it does") {
    const auto loop = make_loop();
    Scripted looks([&] {
        CHECK(current_loop() == loop.get());
        CHECK(loop->running());
        loop->stop();
    });
    loop->push(looks);
    CHECK(current_loop() == nullptr);
    CHECK_FALSE(loop->running());
    loop->run();
    CHECK(looks.runs() == 1);
    CHECK(current_loop() == nullptr);
    CHECK_FALSE(loop->running());
}

TEST_CASE("rule 21: interrupt leaves run after the current Runnable, the rest stays queued") {
    Recordings r(3);
    const auto loop = make_loop();
    Scripted interrupts([&] { loop->interrupt(std::make_exception_ptr(std::runtime_error("Ctrl-C"))); });
    loop->push(r[1]);
    loop->push(interrupts);
    loop->push(r[2]);
    loop->push(r[3]);
    CHECK_THROWS_WITH_AS(loop->run(), "Ctrl-C", std::runtime_error);
    CHECK(r.log() == Log{1});
    CHECK_FALSE(loop->running());
    CHECK(current_loop() == nullptr);
    loop->stop();
    loop->run();  // the exception came once
    CHECK(r.log() == Log{1, 2, 3});
}

TEST_CASE("loop: a deadlock is thrown out of run, and the loop can be used afterwards") {
    Recordings r(2);
    const auto loop = make_loop();
    loop->push(r[1]);
    CHECK_THROWS_AS(loop->run(), Deadlock);
    CHECK(r.log() == Log{1});
    CHECK_FALSE(loop->running());
    CHECK(current_loop() == nullptr);
    Scripted stops([&] { loop->stop(); });
    CHECK(schedule(r[2], loop->shell(), Affinity::pinned) == Sent::sent);
    CHECK(schedule(stops, loop->shell(), Affinity::pinned) == Sent::sent);
    loop->run();
    CHECK(r.log() == Log{1, 2});
}

TEST_CASE("loop: what is posted runs in the order of posting, behind what is ready") {
    Recordings r(4);
    const auto loop = make_loop();
    loop->push(r[1]);
    CHECK(loop->post(r[2]) == Sent::sent);
    CHECK(loop->inject(r[3]) == Sent::sent);  // alone, both mean the same
    CHECK(schedule(r[4], loop->shell(), Affinity::stealable) == Sent::sent);
    loop->step();
    CHECK(r.log() == counting(1, 4));
}

TEST_CASE("loop: an own callback schedules on its loop without the inbox") {
    Recordings r(3);
    const auto loop = make_loop();
    Scripted adds([&] {
        loop->push(r[1]);
        CHECK(schedule(r[2], loop->shell(), Affinity::pinned) == Sent::sent);
        CHECK(schedule(r[3], loop->shell(), Affinity::stealable) == Sent::sent);
    });
    loop->push(adds);
    loop->step();
    loop->step();
    CHECK(r.log() == counting(1, 3));
}

TEST_CASE("loop: glances at its Parker every 61 Runnables while it is busy") {
    auto owned = std::make_unique<ListeningParker>();
    ListeningParker& parker = *owned;
    Loop loop(std::move(owned));
    Scripted busy([&] { loop.push(busy); });
    loop.push(busy);
    for (int turn = 0; turn < 61; ++turn) loop.step();
    CHECK(parker.polls == 0);
    loop.step();
    CHECK(parker.polls == 1);
    for (int turn = 0; turn < 60; ++turn) loop.step();
    CHECK(parker.polls == 1);
    loop.step();
    CHECK(parker.polls == 2);
    CHECK(parker.parks == 0);
    loop.close();
}

// The gap in which a wake-up is lost: the loop has found nothing ready, but a sender does not see it parked yet. A loop
// with bounded parks asks for the time just there.
TEST_CASE("rule 28: what arrives just before it parks is seen in the last look") {
    Recordings r(1);
    auto owned = std::make_unique<ListeningParker>();
    ListeningParker& parker = *owned;
    Loop loop(std::move(owned));
    loop.bound_parks(1s);
    SUBCASE("a Runnable") {
        parker.on_now = [&] { CHECK(loop.post(r[1]) == Sent::sent); };
    }
    SUBCASE("a stop") {
        parker.on_now = [&] { loop.stop(); };
    }
    loop.step();
    CHECK(parker.parks == 0);
    CHECK(parker.unparks == 0);
}

TEST_CASE("loop: what arrives while it is parked unparks it, once for several") {
    auto owned = std::make_unique<ListeningParker>();
    ListeningParker& parker = *owned;
    Loop loop(std::move(owned));
    Recordings r(3);
    parker.on_park = [&] {
        CHECK(loop.post(r[1]) == Sent::sent);
        CHECK(loop.post(r[2]) == Sent::sent);
    };
    loop.step();
    CHECK(parker.parks == 1);
    CHECK(loop.parks() == 1);
    CHECK(parker.unparks == 1);  // the first of two wakers
    parker.on_park = nullptr;
    loop.step();
    CHECK(r.log() == Log{1, 2});
    CHECK(loop.post(r[3]) == Sent::sent);  // nobody is parked: nobody is unparked
    CHECK(parker.unparks == 1);
    loop.step();
    CHECK(parker.parks == 1);
    CHECK(r.log() == Log{1, 2, 3});
}

TEST_CASE("loop: a bounded park that ends for nothing is no rescue") {
    const auto loop = make_loop();
    loop->bound_parks(1s);
    const TimePoint start = loop->now();
    loop->step();
    CHECK(loop->now() == start + 1s);
    CHECK(loop->rescues() == 0);
    CHECK(loop->parks() == 1);
}

TEST_CASE("loop: a full fork deque refuses a branch") {
    Recordings r(4097);
    const auto loop = make_loop();
    for (int i = 1; i <= 4096; ++i) REQUIRE(loop->push_branch(r[i]));
    CHECK_FALSE(loop->push_branch(r[4097]));
    CHECK(loop->pop_branch(r[4096]));
    CHECK(loop->push_branch(r[4097]));
    loop->close();
    CHECK(r.log().size() == 4096);
}

TEST_CASE("loop: a long run of forks yields only if something else waits for the loop") {
    constexpr int kForksPerGlance = 65521;
    Recordings r(1);
    const auto loop = make_loop();
    Alarm alarm(r[1]);
    std::function<void()> meanwhile = [] {};
    bool expected = false;
    SUBCASE("nothing") {}
    SUBCASE("a timer that is not due") {
        meanwhile = [&] { loop->arm(alarm, loop->now() + 1s); };
    }
    SUBCASE("a due timer") {
        meanwhile = [&] { loop->arm(alarm, loop->now()); };
        expected = true;
    }
    SUBCASE("a ready Runnable") {
        meanwhile = [&] { loop->push(r[1]); };
        expected = true;
    }
    SUBCASE("one that another thread sent") {
        meanwhile = [&] { CHECK(loop->post(r[1]) == Sent::sent); };
        expected = true;
    }
    bool early = false;
    bool at_glance = false;
    Scripted forks([&] {
        meanwhile();
        for (int i = 1; i < kForksPerGlance; ++i) early |= loop->fork_must_yield();
        at_glance = loop->fork_must_yield();
    });
    loop->push(forks);
    loop->step();
    CHECK_FALSE(early);
    CHECK(at_glance == expected);
    loop->close();
}

TEST_CASE("rule 19: close drops what is queued, discards timers, and refuses what comes later") {
    auto loop = make_loop();
    Recordings r(6);
    Alarm alarm(r[3]);
    loop->push(r[1]);
    CHECK(loop->post(r[2]) == Sent::sent);
    loop->arm(alarm, loop->now() + 1s);
    CHECK(loop->push_branch(r[4]));
    Shell& shell = loop->shell();
    CHECK_FALSE(loop->closed());
    loop->close();
    CHECK(loop->closed());
    std::sort(r.log().begin(), r.log().end());
    CHECK(r.log() == Log{-4, -3, -2, -1});
    CHECK(loop->armed_timers() == 0);
    CHECK(loop->post(r[5]) == Sent::closed);
    CHECK(loop->inject(r[5]) == Sent::closed);
    CHECK(schedule(r[6], shell, Affinity::pinned) == Sent::closed);
    loop->close();
    loop.reset();
    CHECK(schedule(r[6], shell, Affinity::stealable) == Sent::closed);
    CHECK(r.log().size() == 4);
}

TEST_CASE("loop: what a drop queues or arms is dropped in turn, with the loop still current") {
    Recordings r(2);
    const auto loop = make_loop();
    Alarm alarm(r[2]);
    Scripted last([] {}, [&] { loop->arm(alarm, loop->now() + 1s); });
    Scripted middle([] {}, [&] { current_loop()->push(last); });
    Scripted first([] {}, [&] { current_loop()->push(middle); });
    loop->push(first);
    loop->push(r[1]);
    loop->close();
    CHECK(first.drops() == 1);
    CHECK(middle.drops() == 1);
    CHECK(last.drops() == 1);
    CHECK(first.runs() + middle.runs() + last.runs() == 0);
    CHECK(r.log() == Log{-1, -2});
    CHECK(current_loop() == nullptr);
}

namespace {

// A slot that at its end still queues something, as a task list does that cancels its tasks.
struct Queuing {
    explicit Queuing(Loop& made_for) : loop(made_for) {}
    ~Queuing() {
        loop.push(*runnable);
        loop.arm(*timer, loop.now() + 1s);
    }
    Loop& loop;
    Runnable* runnable = nullptr;
    Timer* timer = nullptr;
};

}  // namespace

TEST_CASE("loop: what the end of a slot queues or arms is dropped, too") {
    Recordings r(3);
    const auto loop = make_loop();
    Alarm alarm(r[3]);
    Queuing& slot = LoopLocal<Queuing>::of(*loop);
    slot.runnable = &r[2];
    slot.timer = &alarm;
    loop->push(r[1]);
    loop->close();
    std::sort(r.log().begin(), r.log().end());
    CHECK(r.log() == Log{-3, -2, -1});
    CHECK(loop->armed_timers() == 0);
}

TEST_CASE("rule 28: a post from another thread wakes a parked loop") {
    constexpr int kRounds = 500;
    Loop loop(std::make_unique<CondvarParker>());
    loop.bound_parks(10s);  // a lost wake-up shows as a rescue instead of a hang
    Shell& shell = loop.shell();
    std::thread runner([&] { loop.run(); });
    std::deque<Recordings> r;
    for (int round = 0; round < kRounds; ++round) {
        if (!eventually([&] { return loop.parks() == static_cast<std::uint64_t>(round) + 1; })) break;
        CHECK(schedule(r.emplace_back(1)[1], shell, Affinity::pinned) == Sent::sent);
    }
    CHECK(eventually([&] { return loop.parks() == kRounds + 1; }));
    loop.stop();  // and a stop does, too
    runner.join();
    CHECK(loop.rescues() == 0);
    for (Recordings& one : r) CHECK(one.log() == Log{1});
}

TEST_CASE("rule 28: a sender races with the loop that goes to sleep, and no wake-up is lost") {
    constexpr int kRounds = 20'000;
    Loop loop(std::make_unique<CondvarParker>());
    loop.bound_parks(10s);
    std::atomic<int> answered{0};
    std::deque<Scripted> questions;
    for (int i = 0; i < kRounds; ++i) {
        questions.emplace_back([&answered] { answered.fetch_add(1, std::memory_order_relaxed); });
    }
    std::thread runner([&] { loop.run(); });
    for (int i = 0; i < kRounds; ++i) {
        (void)schedule(questions[static_cast<std::size_t>(i)], loop.shell(), Affinity::pinned);
        if (!eventually([&] { return answered.load(std::memory_order_relaxed) == i + 1; })) break;
    }
    loop.stop();
    runner.join();
    CHECK(loop.rescues() == 0);
    CHECK(answered.load() == kRounds);
}
