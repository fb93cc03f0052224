#include "scheduler/threads.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "scheduler/condvar_parker.hpp"
#include "scheduler/schedule.hpp"
#include "tests/support/countdown.hpp"
#include "tests/support/scripted.hpp"

using weft::scheduler::Affinity;
using weft::scheduler::CondvarParker;
using weft::scheduler::current_loop;
using weft::scheduler::Loop;
using weft::scheduler::Neighbours;
using weft::scheduler::schedule;
using weft::scheduler::Sent;
using weft::scheduler::Threads;
using weft::test::Countdown;
using weft::test::Scripted;
using First = Threads::First;

namespace {

std::unique_ptr<Loop> make_loop(Neighbours& group) {
    return std::make_unique<Loop>(std::make_unique<CondvarParker>(), group);
}

// Runs `look` once on each of the first `count` loops' threads, from `first` on.
bool on_each(Threads& threads, std::size_t first, const std::function<void(std::size_t)>& look) {
    Countdown done(static_cast<std::int64_t>(threads.size() - first));
    std::deque<Scripted> visits;
    for (std::size_t i = first; i < threads.size(); ++i) {
        visits.emplace_back([&look, &done, i] {
            look(i);
            done.count_down();
        });
        if (schedule(visits.back(), threads.loop(i).shell(), Affinity::pinned) != Sent::sent) return false;
    }
    const bool reached = done.wait();
    if (!reached) threads.stop();  // before what they may still run goes away
    return reached;
}

}  // namespace

TEST_CASE("threads: every loop runs on a thread of its own") {
    Threads threads({.loops = 3}, make_loop);
    CHECK(threads.size() == 3);
    CHECK(threads.group().loops().size() == 3);
    threads.start(First::own_thread);
    std::vector<std::thread::id> ids(3);
    std::vector<Loop*> loops(3);
    CHECK(on_each(threads, 0, [&](std::size_t i) {
        ids[i] = std::this_thread::get_id();
        loops[i] = current_loop();
    }));
    threads.stop();
    CHECK(std::set<std::thread::id>(ids.begin(), ids.end()).size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(ids[i] != std::this_thread::get_id());
        CHECK(loops[i] == &threads.loop(i));
        CHECK(threads.loop(i).index() == i);
        CHECK_FALSE(threads.loop(i).running());
    }
}

TEST_CASE("threads: start and stop as often as one likes") {
    Threads threads({.loops = 3}, make_loop);
    threads.stop();  // nothing runs
    for (int round = 0; round < 50; ++round) {
        threads.start(First::own_thread);
        if (round % 3 == 0) REQUIRE(on_each(threads, 0, [](std::size_t) {}));
        threads.stop();
        if (round % 7 == 0) threads.stop();
    }
    for (std::size_t i = 0; i < 3; ++i) CHECK(threads.loop(i).rescues() == 0);
}

TEST_CASE("threads: what was sent while they stood still runs after the next start") {
    Threads threads({.loops = 2}, make_loop);
    for (int round = 0; round < 20; ++round) {
        Countdown done(3);
        Scripted first([&] { done.count_down(); });
        Scripted second([&] { done.count_down(); });
        Scripted third([&] { done.count_down(); });
        CHECK(schedule(first, threads.loop(0).shell(), Affinity::pinned) == Sent::sent);
        CHECK(schedule(second, threads.loop(1).shell(), Affinity::pinned) == Sent::sent);
        CHECK(threads.loop(0).inject(third) == Sent::sent);
        threads.start(First::own_thread);
        const bool reached = done.wait();
        threads.stop();
        REQUIRE(reached);
        REQUIRE(first.runs() + second.runs() + third.runs() == 3);
    }
}

TEST_CASE("threads: the caller may run loop 0") {
    Threads threads({.loops = 3}, make_loop);
    for (int round = 0; round < 10; ++round) {
        threads.start(First::callers_thread);
        REQUIRE(on_each(threads, 1, [](std::size_t) {}));
        std::thread::id ran_on;
        Scripted stops([&] {
            ran_on = std::this_thread::get_id();
            current_loop()->stop();
        });
        CHECK(schedule(stops, threads.loop(0).shell(), Affinity::pinned) == Sent::sent);
        threads.loop(0).run();
        CHECK(ran_on == std::this_thread::get_id());
        threads.stop();
    }
    CHECK_FALSE(threads.loop(0).stopping());
}

TEST_CASE("threads: all signals are blocked on them, and the caller's mask stays as it was") {
    const auto blocked = [](int signal) {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        return sigismember(&mask, signal) == 1;
    };
    const bool before = blocked(SIGINT);
    Threads threads({.loops = 2}, make_loop);
    threads.start(First::own_thread);
    CHECK(blocked(SIGINT) == before);
    std::atomic<int> open{0};
    CHECK(on_each(threads, 0, [&](std::size_t) {
        for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGPIPE}) open += !blocked(signal);
    }));
    CHECK(open.load() == 0);
}

TEST_CASE("threads: pinned ones have one core each, others have all of the caller's") {
    cpu_set_t mine;
    REQUIRE(sched_getaffinity(0, sizeof mine, &mine) == 0);
    for (const bool pin : {false, true}) {
        CAPTURE(pin);
        Threads threads({.loops = 3, .pin_threads = pin}, make_loop);
        threads.start(First::own_thread);
        std::vector<cpu_set_t> masks(3);
        REQUIRE(on_each(threads, 0, [&](std::size_t i) {
            if (sched_getaffinity(0, sizeof masks[i], &masks[i]) != 0) CPU_ZERO(&masks[i]);
        }));
        threads.stop();
        for (const cpu_set_t& mask : masks) CHECK(CPU_COUNT(&mask) == (pin ? 1 : CPU_COUNT(&mine)));
        // Round robin: neighbours get different cores while there are any.
        if (pin && CPU_COUNT(&mine) > 1) CHECK_FALSE(CPU_EQUAL(&masks[0], &masks[1]));
    }
}

TEST_CASE("threads: the destructor stops them and drops what never ran") {
    Scripted never([] {});
    {
        Threads threads({.loops = 2}, make_loop);
        threads.start(First::own_thread);
        CHECK(on_each(threads, 0, [](std::size_t) {}));
        threads.stop();
        CHECK(schedule(never, threads.loop(1).shell(), Affinity::pinned) == Sent::sent);
    }
    CHECK(never.runs() == 0);
    CHECK(never.drops() == 1);
    Threads running({.loops = 2}, make_loop);
    running.start(First::own_thread);
}
