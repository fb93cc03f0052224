// Escape and Threads: what leaves a loop on a thread of its own arrives where run() was called, once, and stops nobody.
#include "scheduler/escape.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/condvar_parker.hpp"
#include "scheduler/schedule.hpp"
#include "scheduler/threads.hpp"
#include "scheduler/virtual_parker.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/scripted.hpp"

using weft::scheduler::Affinity;
using weft::scheduler::CondvarParker;
using weft::scheduler::current_loop;
using weft::scheduler::Escape;
using weft::scheduler::Loop;
using weft::scheduler::Neighbours;
using weft::scheduler::schedule;
using weft::scheduler::Sent;
using weft::scheduler::Threads;
using weft::scheduler::VirtualParker;
using weft::test::eventually;
using weft::test::Scripted;
using Sending = Escape::Sending;

namespace {

std::unique_ptr<Loop> make_loop(Neighbours& group) {
    return std::make_unique<Loop>(std::make_unique<CondvarParker>(), group);
}

std::exception_ptr error(const char* text) { return std::make_exception_ptr(std::runtime_error(text)); }

std::string text_of(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::runtime_error& failure) {
        return failure.what();
    }
}

}  // namespace

TEST_CASE("escape: the first exception leaves the target's step, a second one is refused meanwhile") {
    Loop loop(std::make_unique<VirtualParker>());
    Escape escape;
    CHECK(escape.send(error("first"), loop) == Sending::sent);
    CHECK(escape.send(error("second"), loop) == Sending::second);
    CHECK_THROWS_WITH_AS(loop.step(), "first", std::runtime_error);
    CHECK(escape.forget() == nullptr);
    CHECK(escape.send(error("third"), loop) == Sending::sent);
    CHECK_THROWS_WITH_AS(loop.step(), "third", std::runtime_error);
}

TEST_CASE("escape: what is forgotten does not leave, and what is sent behind it does") {
    Loop loop(std::make_unique<VirtualParker>());
    Escape escape;
    CHECK(escape.send(error("late"), loop) == Sending::sent);
    CHECK(text_of(escape.forget()) == "late");
    SUBCASE("nothing is sent") { CHECK_NOTHROW(loop.step()); }
    SUBCASE("another one goes out in its place, once") {
        CHECK(escape.send(error("next"), loop) == Sending::sent);
        CHECK_THROWS_WITH_AS(loop.step(), "next", std::runtime_error);
        Scripted last([] {});
        loop.push_pinned(last);
        CHECK_NOTHROW(loop.step());
        CHECK(last.runs() == 1);
    }
    SUBCASE("the loop closes") { loop.close(); }
    CHECK(escape.forget() == nullptr);
}

TEST_CASE("threads: an interrupted loop tells so and runs on until stop()") {
    std::atomic<int> interrupted{0};
    Threads threads({.loops = 3}, make_loop, [&](const std::exception_ptr&) { ++interrupted; });
    std::vector<std::unique_ptr<Scripted>> thrown;
    threads.start(Threads::First::own_thread);
    for (int round = 0; round < 50; ++round) {
        for (std::size_t i = 0; i < 3; ++i) {
            thrown.push_back(std::make_unique<Scripted>([] { current_loop()->interrupt(error("out")); }));
            CHECK(schedule(*thrown.back(), threads.loop(i).shell(), Affinity::pinned) == Sent::sent);
        }
    }
    CHECK(eventually([&] { return interrupted == 150; }));
    threads.stop();
}

TEST_CASE("threads: a stop that meets an interruption is not lost") {
    for (int round = 0; round < 200; ++round) {
        std::atomic<int> interrupted{0};
        Scripted thrown([] { current_loop()->interrupt(error("out")); });
        Threads threads({.loops = 2}, make_loop, [&](const std::exception_ptr&) { ++interrupted; });
        threads.start(Threads::First::own_thread);
        CHECK(schedule(thrown, threads.loop(1).shell(), Affinity::pinned) == Sent::sent);
        threads.stop();
        CHECK(interrupted == thrown.runs());
    }
}
