// Several loops of one group, stepped by one thread: stealing, waking, what is pinned. Real threads: stress_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "scheduler/fifo.hpp"
#include "scheduler/idle.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/schedule.hpp"
#include "scheduler/virtual_parker.hpp"
#include "tests/support/recording.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/simulation.hpp"

using namespace std::chrono_literals;
using weft::TimePoint;
using weft::scheduler::Affinity;
using weft::scheduler::current_loop;
using weft::scheduler::Deadlock;
using weft::scheduler::Fifo;
using weft::scheduler::Idle;
using weft::scheduler::Inbox;
using weft::scheduler::Loop;
using weft::scheduler::Neighbours;
using weft::scheduler::Parker;
using weft::scheduler::Runnable;
using weft::scheduler::schedule;
using weft::scheduler::Sent;
using weft::scheduler::Timer;
using weft::scheduler::VirtualParker;
using weft::test::counting;
using weft::test::Log;
using weft::test::Recordings;
using weft::test::Scripted;
using weft::test::Simulation;

namespace {

// Two loops that the test steps by hand.
struct Pair {
    Neighbours group{2, 1};
    Loop a{std::make_unique<VirtualParker>(), group};
    Loop b{std::make_unique<VirtualParker>(), group};
};

// Does what the test says while its loop is parked.
class CallingParker final : public Parker {
public:
    std::size_t poll() override { return 0; }
    void park_until(std::optional<TimePoint>) override {
        ++parks;
        if (on_park) on_park();
    }
    void unpark() override { ++unparks; }
    [[nodiscard]] TimePoint now() const override {
        if (const auto once = std::exchange(on_now, nullptr)) once();
        return time;
    }

    int parks = 0;
    int unparks = 0;
    TimePoint time{};
    std::function<void()> on_park;
    mutable std::function<void()> on_now;
};

// Three loops, two of which tell when they are parked and unparked.
struct Trio {
    Neighbours group{3, 1};
    CallingParker* first = new CallingParker;
    CallingParker* second = new CallingParker;
    Loop a{std::unique_ptr<CallingParker>(first), group};
    Loop b{std::unique_ptr<CallingParker>(second), group};
    Loop c{std::make_unique<VirtualParker>(), group};

    // While the first is parked, until its limit of a second: there is work of which nobody is told.
    void sleep_over(Runnable& work) {
        CHECK(group.inbox().push(work) == Inbox::Push::sent);
        first->time += 1s;
    }
};

class Alarm final : public Timer {
public:
    explicit Alarm(Runnable& runnable) : runnable_(runnable) {}
    void fire() noexcept override { current_loop()->push_pinned(runnable_); }
    void discard() noexcept override { runnable_.drop(); }

private:
    Runnable& runnable_;
};

}  // namespace

TEST_CASE("loops: an idle loop steals the older half of its neighbour's ready work") {
    Recordings r(6);
    Pair loops;
    for (int i = 1; i <= 6; ++i) loops.a.push(r[i]);
    loops.b.step();
    CHECK(r.log() == Log{1, 2, 3});
    CHECK(loops.b.steals() == 1);
    loops.a.step();
    CHECK(r.log() == counting(1, 6));
    CHECK(loops.a.steals() == 0);
}

TEST_CASE("loops: pinned work is never stolen") {
    Recordings r(5);
    Pair loops;
    loops.a.push_pinned(r[1]);
    loops.a.push_pinned(r[2]);
    CHECK(loops.a.post(r[3]) == Sent::sent);
    CHECK(schedule(r[4], loops.a.shell(), Affinity::pinned) == Sent::sent);
    CHECK_THROWS_AS(loops.b.step(), Deadlock);
    CHECK(r.log().empty());
    loops.a.push(r[5]);
    loops.b.step();
    CHECK(r.log() == Log{5});
    loops.a.step();
    CHECK(r.log() == Log{5, 1, 2, 3, 4});
}

TEST_CASE("loops: a turn takes a snapshot of pinned and stealable work and alternates") {
    Recordings r(8);
    Pair loops;
    Scripted adds([&] {
        loops.a.push(r[7]);
        loops.a.push_pinned(r[8]);
    });
    loops.a.push_pinned(adds);
    for (int i : {1, 2, 3, 4}) loops.a.push(r[i]);
    for (int i : {5, 6}) loops.a.push_pinned(r[i]);
    loops.a.step();
    CHECK(r.log() == Log{1, 5, 2, 6, 3, 4});
    loops.a.step();
    CHECK(r.log() == Log{1, 5, 2, 6, 3, 4, 8, 7});
}

TEST_CASE("loops: interrupt leaves both queues") {
    Recordings r(4);
    Pair loops;
    Scripted interrupts([&] { loops.a.interrupt(std::make_exception_ptr(1)); });
    SUBCASE("from a pinned Runnable") {
        loops.a.push_pinned(interrupts);
        loops.a.push(r[1]);
        loops.a.push_pinned(r[2]);
        CHECK_THROWS_AS(loops.a.step(), int);
        CHECK(r.log().empty());
        loops.a.step();
        CHECK(r.log() == Log{2, 1});
    }
    SUBCASE("from a stealable one, with a branch behind it") {
        CHECK(loops.a.push_branch(r[3]));
        loops.a.push(interrupts);
        loops.a.push(r[1]);
        loops.a.push_pinned(r[2]);
        CHECK_THROWS_AS(loops.a.step(), int);
        CHECK(r.log() == Log{2});
        loops.a.step();
        CHECK(r.log() == Log{2, 1, 3});
    }
}

TEST_CASE("loops: a thief takes the oldest branch that a hungry deque made public") {
    Recordings r(4);
    Pair loops;
    CHECK(loops.a.push_branch(r[1]));  // public: the neighbours start hungry
    CHECK(loops.a.push_branch(r[2]));
    loops.b.step();
    CHECK(r.log() == Log{1});
    CHECK_FALSE(loops.a.pop_branch(r[1]));
    CHECK_THROWS_AS(loops.b.step(), Deadlock);  // 2 is private; now b is hungry
    CHECK(loops.a.push_branch(r[3]));           // makes 2 public
    CHECK(loops.a.push_branch(r[4]));
    loops.b.step();
    CHECK(r.log() == Log{1, 2});
    CHECK(loops.a.pop_branch(r[4]));
    CHECK(loops.a.pop_branch(r[3]));
}

TEST_CASE("loops: what is injected goes to whichever loop looks first, the rest can be stolen") {
    Recordings r(4);
    Pair loops;
    for (int i = 1; i <= 3; ++i) CHECK(loops.a.inject(r[i]) == Sent::sent);
    CHECK(schedule(r[4], loops.a.shell(), Affinity::stealable) == Sent::sent);
    Scripted blocks([&] { loops.a.step(); });  // while b is busy, a steals
    loops.b.push_pinned(blocks);
    loops.b.step();
    CHECK(r.log() == counting(1, 4));
    CHECK(loops.a.steals() == 1);
}

TEST_CASE("loops: a loop that posts to its neighbour runs it there") {
    Pair loops;
    const Loop* ran_on = nullptr;
    Scripted looks([&] { ran_on = current_loop(); });
    Scripted posts([&] { CHECK(schedule(looks, loops.b.shell(), Affinity::pinned) == Sent::sent); });
    loops.a.push_pinned(posts);
    loops.a.step();
    CHECK(ran_on == nullptr);
    loops.b.step();
    CHECK(ran_on == &loops.b);
}

TEST_CASE("loops: neither who found something nor who sleeps counts as searching") {
    Recordings r(3);
    Neighbours group(3, 1);
    Loop a(std::make_unique<VirtualParker>(), group);
    Loop b(std::make_unique<VirtualParker>(), group);
    CHECK_THROWS_AS(a.step(), Deadlock);
    CHECK(group.idle().searching() == 0);  // it went to sleep
    CHECK(group.idle().sleeping() == 0);   // and left by the exception
    for (int i = 1; i <= 3; ++i) b.push(r[i]);
    a.step();
    CHECK(r.log() == Log{1, 2});
    CHECK(group.idle().searching() == 0);
}

// While a loop counts as searching no other one is woken: it must not take that along when it leaves.
TEST_CASE("loops: a loop that stops just when it was woken to search no longer counts as searching") {
    Neighbours group(2, 1);
    auto owned = std::make_unique<CallingParker>();
    CallingParker& parker = *owned;
    Loop a(std::move(owned), group);
    Loop b(std::make_unique<VirtualParker>(), group);
    Recordings r(1);
    parker.on_park = [&] {
        b.push(r[1]);  // wakes a
        CHECK(group.idle().searching() == 1);
        a.stop();
    };
    a.run();
    CHECK(r.log().empty());
    CHECK(group.idle().searching() == 0);
    b.close();
}

TEST_CASE("loops: stealable work wakes one sleeper") {
    Recordings r(2);
    Trio loops;
    std::function<void(int)> offer;
    SUBCASE("pushed by a neighbour") {
        offer = [&](int i) { loops.c.push(r[i]); };
    }
    SUBCASE("injected by a neighbour or a stranger") {
        offer = [&](int i) { CHECK(loops.c.inject(r[i]) == Sent::sent); };
    }
    SUBCASE("a branch that becomes public") {
        offer = [&](int i) { CHECK(loops.c.push_branch(r[i])); };
    }
    loops.second->on_park = [&] {
        offer(1);
        CHECK(loops.second->unparks == 1);
        offer(2);  // somebody was told
    };
    loops.first->on_park = [&] { loops.b.step(); };
    loops.a.step();
    CHECK(loops.second->unparks == 1);
    CHECK(loops.first->unparks == 0);
    loops.first->on_park = loops.second->on_park = nullptr;
    loops.b.step();
    CHECK(r.log().front() == 1);
}

TEST_CASE("loops: the last searcher that finds something wakes the next sleeper") {
    Recordings r(4);
    Trio loops;
    loops.second->on_park = [&] {
        for (int i = 1; i <= 4; ++i) loops.c.push(r[i]);
    };
    loops.first->on_park = [&] {
        loops.b.step();  // parks and is woken
        CHECK(loops.first->unparks == 0);
        loops.b.step();  // steals: there may be more for others
        CHECK(r.log() == Log{1, 2});
        CHECK(loops.first->unparks == 1);
    };
    loops.a.step();
    CHECK(loops.second->unparks == 1);
    loops.first->on_park = nullptr;
    loops.a.step();
    CHECK(r.log() == Log{1, 2, 3});
}

TEST_CASE("loops: a single ready task is its loop's own: a sleeper that was woken for it in vain is kept quiet") {
    Recordings r(9);
    Trio loops;
    std::string told;
    for (int i = 1; i <= 8; ++i) {
        const int before = loops.first->unparks;
        loops.first->on_park = [&] {
            loops.c.push(r[i]);
            loops.c.step();
        };
        loops.a.step();
        told += loops.first->unparks == before ? '-' : 'T';
    }
    CHECK(told == "TT-T---T");
    CHECK(r.log() == counting(1, 8));
    CHECK(loops.a.steals() == 0);
    // Its loop does not come to it: who looks takes it.
    loops.first->on_park = nullptr;
    loops.c.push(r[9]);
    loops.a.step();
    CHECK(r.log() == counting(1, 9));
    CHECK(loops.a.steals() == 1);
}

TEST_CASE("loops: what a neighbour makes visible just before a loop parks is seen in the last look") {
    Recordings r(2);
    Trio loops;
    loops.a.bound_parks(1s);  // asks for the time just before it parks
    SUBCASE("ready work") {
        loops.first->on_now = [&] {
            loops.c.push(r[1]);
            loops.c.push(r[2]);  // a single one would be its own
        };
    }
    SUBCASE("a public branch") {
        loops.first->on_now = [&] { CHECK(loops.c.push_branch(r[1])); };
    }
    SUBCASE("injected work") {
        loops.first->on_now = [&] { CHECK(loops.c.inject(r[1]) == Sent::sent); };
    }
    loops.a.step();
    CHECK(loops.first->parks == 0);
    CHECK(loops.group.idle().sleeping() == 0);
    loops.a.step();
    CHECK(r.log() == Log{1});
}

TEST_CASE("loops: a bounded park that ends although work lies there, and nobody comes, is a rescue") {
    Recordings r(1);
    Trio loops;
    loops.a.bound_parks(1s);
    loops.first->on_park = [&] { loops.sleep_over(r[1]); };
    SUBCASE("nobody searches") {}
    SUBCASE("one counts as searching and does not move") { CHECK(loops.group.idle().start_search()); }
    loops.a.step();
    CHECK(loops.a.rescues() == 1);
    loops.a.step();
    CHECK(r.log() == Log{1});
}

// Who is to wake the loop, or to take the work, has no core until after the limit; then it does again and again what it
// would do once, since the loop may look late.
TEST_CASE("loops: a bounded park that ends while somebody is on the way is no rescue") {
    Recordings r(1);
    Trio loops;
    Idle& idle = loops.group.idle();
    loops.a.bound_parks(1s, 30s);
    std::function<void()> on_park = [] {};
    std::function<void()> comes;
    SUBCASE("somebody who wakes this very loop") {
        comes = [&] { loops.a.unpark(); };
    }
    SUBCASE("somebody who takes the work") {
        comes = [&] {
            Fifo taken;
            if (!loops.group.inbox().take_all(taken)) return;
            while (Runnable* runnable = taken.pop()) runnable->run();
        };
    }
    SUBCASE("a producer that has yet to wake another") {
        on_park = [&] { idle.announce(1, Idle::From::running); };
        comes = [&] {
            if (idle.notify() == 1) idle.announce(1, Idle::From::searching);
        };
    }
    SUBCASE("a loop that wakes by itself") {
        on_park = [&] { idle.announce(1, Idle::From::running); };
        comes = [&] {
            if (idle.retract(1) == Idle::Retract::running) idle.announce(1, Idle::From::running);
        };
    }
    SUBCASE("a searcher") {
        on_park = [&] { CHECK(idle.start_search()); };
        comes = [&] {
            (void)idle.stop_search();
            (void)idle.start_search();
        };
    }
    std::atomic<bool> late = false;
    std::atomic<bool> over = false;
    loops.first->on_park = [&] {
        on_park();
        loops.sleep_over(r[1]);
        late = true;
    };
    std::thread other([&] {
        while (!late) std::this_thread::yield();
        while (!over) {
            comes();
            std::this_thread::yield();
        }
    });
    loops.a.step();
    over = true;
    other.join();
    CHECK(loops.a.rescues() == 0);
    loops.first->on_park = nullptr;
    loops.a.step();
    CHECK(r.log() == Log{1});
}

TEST_CASE("loops: a bounded park that an event has ended, late, is no rescue") {
    Recordings r(2);
    Trio loops;
    loops.a.bound_parks(1s);
    loops.first->on_park = [&] {
        loops.a.push_pinned(r[1]);
        loops.sleep_over(r[2]);
    };
    loops.a.step();
    CHECK(loops.a.rescues() == 0);
    loops.a.step();
    CHECK(r.log() == Log{1, 2});
}

TEST_CASE("loops: a turn ends with one branch, the newest") {
    Recordings r(5);
    Pair loops;
    for (int i = 1; i <= 4; ++i) CHECK(loops.a.push_branch(r[i]));
    loops.a.push(r[5]);
    loops.a.step();
    CHECK(r.log() == Log{5, 4});
    CHECK_FALSE(loops.a.pop_branch(r[2]));
    CHECK(loops.a.pop_branch(r[3]));
    loops.a.step();
    loops.a.step();
    CHECK(r.log() == Log{5, 4, 2, 1});
    CHECK_THROWS_AS(loops.a.step(), Deadlock);
}

TEST_CASE("loops: the first of a group that closes drops what all of them have queued, and what is injected later") {
    Recordings r(8);
    Pair loops;
    loops.a.push(r[1]);
    loops.a.push_pinned(r[2]);
    CHECK(loops.a.push_branch(r[3]));
    loops.b.push(r[4]);
    CHECK(loops.b.post(r[5]) == Sent::sent);
    CHECK(loops.a.inject(r[6]) == Sent::sent);
    loops.b.close();
    std::sort(r.log().begin(), r.log().end());
    CHECK(r.log() == Log{-6, -5, -4, -3, -2, -1});
    CHECK_FALSE(loops.a.closed());
    CHECK(loops.a.inject(r[7]) == Sent::closed);
    CHECK(loops.a.post(r[8]) == Sent::sent);  // its own inbox is open until it closes itself
    loops.a.close();
    CHECK(r.log().back() == -8);
    CHECK(r.log().size() == 7);
}

TEST_CASE("simulation: when all loops are parked the clock jumps to the earliest deadline of any") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        Simulation simulation(3, seed);
        Recordings r(3);
        std::deque<Alarm> alarms;
        const auto start = simulation.now();
        for (int i = 1; i <= 3; ++i) {
            simulation.loop(static_cast<std::size_t>(3 - i)).arm(alarms.emplace_back(r[i]), start + i * 1h);
        }
        simulation.run_until([&] { return r.log().size() == 3; });
        CHECK(r.log() == counting(1, 3));
        CHECK(simulation.now() == start + 3h);
    }
}

TEST_CASE("simulation: all parked, no deadline and nobody to wake is a deadlock, and the loops go on afterwards") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        Simulation simulation(3, seed);
        Recordings r(1);
        CHECK_THROWS_AS(simulation.run_until([] { return false; }), Deadlock);
        CHECK(simulation.group().idle().sleeping() == 0);
        CHECK(schedule(r[1], simulation.loop(2).shell(), Affinity::pinned) == Sent::sent);
        simulation.run_until([&] { return !r.log().empty(); });
        CHECK(r.log() == Log{1});
    }
}

namespace {

// Work that makes work: stealable, pinned to a loop that the seed chooses, and branches.
class Forest {
public:
    explicit Forest(Simulation& simulation) : simulation_(simulation) {}

    void grow(int depth) {
        ++planted_;
        const std::size_t kind = simulation_.choose(4);
        if (kind == 0) {
            const std::size_t home = simulation_.choose(simulation_.size());
            Runnable& tree = plant(depth, home);
            (void)schedule(tree, simulation_.loop(home).shell(), Affinity::pinned);
        } else if (kind == 1 && current_loop() != nullptr && current_loop()->push_branch(plant(depth, kAnywhere))) {
            return;
        } else {
            const std::size_t entrance = simulation_.choose(simulation_.size());
            (void)schedule(plant(depth, kAnywhere), simulation_.loop(entrance).shell(), Affinity::stealable);
        }
    }

    [[nodiscard]] bool done() const { return ran_ == planted_; }
    [[nodiscard]] int ran() const { return ran_; }
    [[nodiscard]] bool strayed() const { return strayed_; }

    [[nodiscard]] bool each_ran_once() const {
        for (const Scripted& tree : trees_) {
            if (tree.runs() != 1) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t kAnywhere = ~std::size_t{0};

    Runnable& plant(int depth, std::size_t home) {
        return trees_.emplace_back([this, depth, home] {
            ++ran_;
            if (home != kAnywhere && current_loop() != &simulation_.loop(home)) strayed_ = true;
            for (int i = 0; i < 3 && depth > 0; ++i) grow(depth - 1);
        });
    }

    Simulation& simulation_;
    std::deque<Scripted> trees_;
    int planted_ = 0;
    int ran_ = 0;
    bool strayed_ = false;
};

}  // namespace

TEST_CASE("simulation: in every order of steps all work runs once, pinned work at home, and nobody oversleeps") {
    std::uint64_t steals = 0;
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        Simulation simulation(2 + seed % 3, seed);
        Forest forest(simulation);
        forest.grow(5);
        simulation.run_until([&] { return forest.done(); });
        REQUIRE(forest.ran() == 364);
        REQUIRE(forest.each_ran_once());
        REQUIRE_FALSE(forest.strayed());
        for (std::size_t i = 0; i < simulation.size(); ++i) steals += simulation.loop(i).steals();
        CHECK_THROWS_AS(simulation.run_until([] { return false; }), Deadlock);  // nothing was left behind
        REQUIRE(simulation.group().idle().searching() == 0);
    }
    CHECK(steals > 1'000);
}

// One piece of work at a time, while everybody else sleeps: each hand-over depends on one wake-up.
TEST_CASE("simulation: a single piece of work is handed from sleeper to sleeper") {
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        Simulation simulation(4, seed);
        int hops = 300;
        std::deque<Scripted> pieces;
        std::function<void()> hop = [&] {
            if (--hops == 0) return;
            const auto affinity = simulation.choose(2) == 0 ? Affinity::pinned : Affinity::stealable;
            (void)schedule(pieces.emplace_back(hop), simulation.loop(simulation.choose(4)).shell(), affinity);
        };
        (void)schedule(pieces.emplace_back(hop), simulation.loop(0).shell(), Affinity::pinned);
        simulation.run_until([&] { return hops == 0; });
        CHECK(hops == 0);
    }
}

TEST_CASE("loops: what a loop would have run next is not left behind when its run ends") {
    Pair pair;
    Scripted waiting([] {});
    Scripted last([&] {
        pair.a.push(waiting);
        pair.a.stop();
    });
    pair.a.push_pinned(last);
    pair.a.run();
    REQUIRE(last.runs() == 1);
    CHECK(waiting.runs() == 0);
    CHECK_FALSE(pair.group.inbox().empty());  // where every loop looks, and nobody has to find it on its own
    pair.b.step();
    CHECK(waiting.runs() == 1);
}
