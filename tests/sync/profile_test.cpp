// What profile says, on a clock that the test drives: exact, on one loop and on many, whatever is stolen, suspends,
// throws or is cancelled. Built with WEFT_PROFILE, in a program of its own.
#include "sync/profile.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sync/async_generator.hpp"
#include "sync/future.hpp"
#include "sync/gather.hpp"
#include "sync/parallel.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/task_list.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/simulation.hpp"
#include "tests/support/strand_time.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::fork_join;
using weft::Profile;
using weft::profile;
using weft::Profiled;
using weft::sleep;
using weft::test::be_off_core;
using weft::test::ended;
using weft::test::Group;
using weft::test::Reports;
using weft::test::Simulation;
using weft::test::spend;
using weft::test::StrandTime;
using weft::test::VirtualLoop;

static_assert(weft::kProfiled, "these tests are of the build with the profiler");

namespace {

constexpr std::int64_t kBurden = StrandTime::kBurden;

Coro<> nothing() { co_return; }

Coro<> strand(std::int64_t ticks) {
    spend(ticks);
    co_return;
}

Coro<int> giving(int value, std::int64_t ticks) {
    spend(ticks);
    co_return value;
}

// 3 before each fork, 4 after its join, 10 in a leaf.
Coro<unsigned> tree(unsigned depth) {
    if (depth == 0) {
        spend(10);
        co_return 1;
    }
    spend(3);
    const auto [a, b] = co_await fork_join(tree(depth - 1), tree(depth - 1));
    spend(4);
    co_return a + b;
}

void check_tree(const Profile& found, unsigned depth) {
    const std::int64_t leaves = std::int64_t{1} << depth;
    CHECK(found.work.count() == 10 * leaves + 7 * (leaves - 1));
    CHECK(found.span.count() == 10 + 7 * depth);
    CHECK(found.burdened_span.count() == 10 + 7 * depth + kBurden * depth);
    CHECK(found.forks == static_cast<std::uint64_t>(leaves - 1));
    CHECK(found.strands == static_cast<std::uint64_t>(2 * leaves - 1 + leaves - 1));
}

void check(const Profile& found, std::int64_t work, std::int64_t span) {
    CHECK(found.work.count() == work);
    CHECK(found.span.count() == span);
}

// In a task that may be stolen.
template <class T>
Coro<Profiled<T>> profiled_anywhere(Coro<T> coro) {
    const auto task = create_task(profile(std::move(coro)), {.loop = weft::any_loop});
    co_return co_await task;
}

template <class T>
Profiled<T> profiled(Coro<T> coro) {
    VirtualLoop loop;
    return loop.run_until_complete(profile(std::move(coro)));
}

}  // namespace

TEST_CASE("profile: one strand is its own span, and the value comes along") {
    const StrandTime time;
    const auto [value, found] = profiled(giving(7, 5));
    CHECK(value == 7);
    check(found, 5, 5);
    CHECK(found.burdened_span == 5ns);
    CHECK(found.forks == 0);
    CHECK(found.strands == 1);
    CHECK(found.parallelism() == 1.0);
}

TEST_CASE("profile: a balanced tree, of any depth") {
    const StrandTime time;
    for (const unsigned depth : {0U, 1U, 2U, 5U, 12U}) {
        CAPTURE(depth);
        const auto [leaves, found] = profiled(tree(depth));
        CHECK(leaves == 1U << depth);
        check_tree(found, depth);
    }
}

TEST_CASE("profile: a serial chain has no parallelism, however it is cut into strands") {
    const StrandTime time;
    auto chain = [](auto& self, int length) -> Coro<> {
        spend(2);
        if (length > 1) co_await fork_join(self(self, length - 1));
        spend(1);
    };
    const Profile nested = profiled(chain(chain, 100)).profile;
    check(nested, 300, 300);
    CHECK(nested.burdened_span == 300ns);  // a fork_join of one branch has none to steal
    CHECK(nested.forks == 99);
    CHECK(nested.strands == 199);
    CHECK(nested.parallelism() == 1.0);
    CHECK(nested.speed_up(8).least == 1.0);
    CHECK(nested.speed_up(8).most == 1.0);

    auto calls = []() -> Coro<> {  // awaited directly: the same strand
        for (int i = 0; i < 10; ++i) co_await strand(3);
    };
    const Profile called = profiled(calls()).profile;
    check(called, 30, 30);
    CHECK(called.strands == 1);
}

TEST_CASE("profile: the span takes the longest branch of each join, one join after another") {
    const StrandTime time;
    auto body = []() -> Coro<> {
        spend(1);
        co_await fork_join(strand(3), strand(7), strand(5));
        spend(1);
        co_await fork_join(strand(6), strand(2));
        spend(1);
    };
    const Profile found = profiled(body()).profile;
    check(found, 3 + 15 + 8, 3 + 7 + 6);
    CHECK(found.burdened_span.count() == 3 + 7 + kBurden + 2 + kBurden);  // the second is the longer one when stolen
    CHECK(found.forks == 2);
    CHECK(found.strands == 1 + 5 + 2);
}

TEST_CASE("profile: ranges: empty, one, more than are offered at a time") {
    const StrandTime time;
    for (const int count : {0, 1, 2, 63, 64, 65, 1000}) {
        CAPTURE(count);
        auto body = [count]() -> Coro<> {
            spend(1);
            std::vector<Coro<int>> branches;
            for (int i = 1; i <= count; ++i) branches.push_back(giving(i, i));
            const std::vector<int> all = co_await fork_join(std::move(branches));
            spend(1);
            CHECK(all.size() == static_cast<std::size_t>(count));
        };
        const Profile found = profiled(body()).profile;
        check(found, 2 + count * (count + 1) / 2, 2 + count);
        CHECK(found.forks == (count == 0 ? 0 : 1));
        CHECK(found.strands == static_cast<std::uint64_t>(count == 0 ? 1 : 2 + count));
    }
}

TEST_CASE("profile: parallel_for and parallel_reduce are trees of their grain") {
    const StrandTime time;
    check(profiled(weft::parallel_for(0, 64, 4, [](int) { spend(5); })).profile, 320, 20);
    const auto [sum, found] = profiled(weft::parallel_reduce(
        0, 32, 1, 0,
        [](int i) {
            spend(2);
            return i;
        },
        [](int a, int b) {
            spend(1);
            return a + b;
        }));
    CHECK(sum == 496);
    check(found, 32 * 2 + 32, 2 + 5 + 1);  // 31 in the tree, one for init
}

TEST_CASE("profile: time suspended is not work and not on the span, what runs after it is") {
    const StrandTime time;
    VirtualLoop loop;
    auto waits = [&](std::int64_t ticks) -> Coro<> {
        spend(ticks);
        co_await sleep(1s);
        spend(ticks);
        co_await sleep(0s);
        spend(ticks);
    };
    auto inner = [&]() -> Coro<> {
        spend(1);
        co_await fork_join(waits(10), strand(5), waits(20));
        spend(1);
    };
    auto nobody = [&](std::int64_t ticks) -> Coro<> {  // another task of the same loop, meanwhile
        for (int i = 0; i < 5; ++i) {
            spend(ticks);
            co_await sleep(250ms);
        }
    };
    auto body = [&]() -> Coro<> {
        spend(100);
        co_await fork_join(inner(), inner());
        spend(100);
    };
    auto all = [&]() -> Coro<Profile> {
        const auto other = create_task(nobody(1'000'000));
        const auto result = co_await profile(body());
        co_await other;
        co_return result.profile;
    };
    const Profile found = loop.run_until_complete(all());
    check(found, 200 + 2 * (2 + 30 + 5 + 60), 200 + 2 + 60);
    CHECK(found.forks == 3);
    CHECK(found.strands == 1 + 2 + 6 + 3);
    CHECK(loop.now().time_since_epoch() > 1s);
}

TEST_CASE("profile: what is done when it is awaited does not cut a strand") {
    const StrandTime time;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = weft::create_future<int>();
        future.set_result(1);
        auto branch = [&]() -> Coro<> {
            spend(4);
            const int one = co_await future;
            spend(one);
        };
        co_await fork_join(branch(), branch());
        spend(1);
    };
    check(loop.run_until_complete(profile(body())).profile, 11, 6);
}

TEST_CASE("profile: generators run in the strand that asks them, and their own forks count") {
    const StrandTime time;
    VirtualLoop loop;
    auto numbers = []() -> weft::async_generator<int> {
        for (int i = 0; i < 3; ++i) {
            spend(2);
            co_await fork_join(strand(5), strand(6));
            co_await sleep(1s);
            co_yield i;
        }
    };
    auto branch = [&]() -> Coro<> {
        auto generator = numbers();
        while (auto n = co_await generator.next()) spend(1);
    };
    auto body = [&]() -> Coro<> { co_await fork_join(branch(), strand(1)); };
    check(loop.run_until_complete(profile(body())).profile, 3 * (2 + 11 + 1) + 1, 3 * (2 + 6 + 1));
}

TEST_CASE("profile: tasks are not counted, but for an eager one's first step") {
    const StrandTime time;
    VirtualLoop loop;
    auto task = []() -> Coro<> {
        spend(100);
        co_await fork_join(strand(1000), strand(1000));
        co_await sleep(1s);
        spend(100);
        co_await fork_join(strand(1000), strand(1000));
    };
    auto lazily = [&]() -> Coro<> {
        spend(1);
        const auto child = create_task(task());
        spend(1);
        co_await child;
        co_await gather(task(), task());
        spend(1);
    };
    auto eagerly = [&]() -> Coro<> {
        spend(1);
        const auto child = create_task(task(), {.eager_start = true});
        spend(1);
        co_await child;
        spend(1);
    };
    auto body = [](auto& branch) -> Coro<> { co_await fork_join(branch(), strand(1)); };
    check(loop.run_until_complete(profile(body(lazily))).profile, 4, 3);
    const Profile eager = loop.run_until_complete(profile(body(eagerly))).profile;
    check(eager, 4 + 2100, 3 + 2100);  // it runs inside the strand
    CHECK(eager.forks == 1);
}

TEST_CASE("profile: a branch that throws counts up to there, and the others whole") {
    const StrandTime time;
    VirtualLoop loop;
    auto throws = [](std::int64_t ticks, bool suspends) -> Coro<> {
        spend(ticks);
        if (suspends) co_await sleep(1s);
        spend(ticks);
        throw std::runtime_error("no more");
    };
    for (const bool suspends : {false, true}) {
        CAPTURE(suspends);
        std::string what;
        auto body = [&]() -> Coro<> {
            spend(1);
            try {
                co_await fork_join(strand(3), throws(10, suspends), strand(5));
            } catch (const std::runtime_error& error) {
                what = error.what();
            }
            spend(1);
        };
        const Profile found = loop.run_until_complete(profile(body())).profile;
        CHECK(what == "no more");
        check(found, 2 + 3 + 20 + 5, 2 + 20);
        CHECK(found.strands == 5);
    }
    auto fails = [&]() -> Coro<std::string> {
        const auto task = create_task(profile(throws(1, false)));
        co_return co_await ended(task);
    };
    CHECK(loop.run_until_complete(fails()) == "error: no more");
}

TEST_CASE("profile: cancelled branches count what they ran, and those that never began are no strands") {
    const StrandTime time;
    VirtualLoop loop;
    auto hangs = [](std::int64_t ticks) -> Coro<> {
        spend(ticks);
        try {
            co_await sleep(1h);
        } catch (const weft::CancelledError&) {
            spend(ticks);
            throw;
        }
    };
    auto body = [&]() -> Coro<> {
        const auto self = weft::current_task();
        auto parent = [&]() -> Coro<> { co_await fork_join(hangs(10), strand(1), strand(1)); };
        loop.call_soon([&] { CHECK(self.cancel()); });  // behind the first branch's suspension, before the others
        try {
            co_await parent();
        } catch (const weft::CancelledError&) {
            spend(5);
        }
    };
    const Profile found = loop.run_until_complete(profile(body())).profile;
    check(found, 25, 25);
    CHECK(found.strands == 3);  // body, the first branch, body again
    CHECK(found.forks == 1);
}

TEST_CASE("profile: a loop that closes on a profiled computation frees it") {
    const StrandTime time;
    const Reports reports;
    auto held = std::make_shared<int>(1);
    auto waits = [](std::shared_ptr<int>) -> Coro<> {
        spend(1);
        co_await sleep(1h);
    };
    {
        VirtualLoop loop;
        auto body = [&]() -> Coro<> { co_await fork_join(waits(held), waits(held)); };
        (void)loop.create(profile(body()));
        loop.turn(3);
        CHECK(held.use_count() > 1);
    }
    CHECK(held.use_count() == 1);
}

TEST_CASE("profile: a computation that gives its turn away at a fork") {
    const StrandTime time;
    VirtualLoop loop;
    int turns = 0;
    auto body = [&]() -> Coro<Profiled<unsigned>> {
        loop.call_soon([&] { turns = loop.turns(); });
        co_return co_await profile(tree(17));
    };
    const auto [leaves, found] = loop.run_until_complete(body());
    CHECK(leaves == 131072);
    CHECK(turns > 0);
    CHECK(loop.turns() > 2);
    check_tree(found, 17);
}

TEST_CASE("profile: one inside another counts as a fork_join of one branch") {
    const StrandTime time;
    Profile inner;
    auto branch = [&]() -> Coro<> {
        spend(1);
        const auto [leaves, found] = co_await profile(tree(3));
        inner = found;
        spend(leaves);
    };
    auto body = [&]() -> Coro<> { co_await fork_join(branch(), strand(2)); };
    const Profile outer = profiled(body()).profile;
    check_tree(inner, 3);
    check(outer, 1 + inner.work.count() + 8 + 2, 1 + inner.span.count() + 8);
    CHECK(outer.forks == inner.forks + 2);
    CHECK(outer.strands == inner.strands + 5);
}

TEST_CASE("profile: among many loops the same figures, whatever is stolen or suspends") {
    const StrandTime time;
    std::uint64_t steals = 0;
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        Simulation simulation(1 + seed % 4, seed);
        for (std::size_t i = 0; i < simulation.size(); ++i) {
            (void)weft::scheduler::LoopLocal<weft::sync::TaskList>::of(simulation.loop(i));
        }
        auto waiting_tree = [&](auto& self, unsigned depth, unsigned path) -> Coro<> {
            spend(3);
            if (depth == 0) {
                switch ((path * 2654435761U + seed) >> 29) {
                    case 0: co_await sleep(0s); break;
                    case 1: co_await sleep((path % 5) * 1ms); break;
                    case 2: co_await create_task(nothing()); break;
                    case 3: CHECK(weft::current_task()); break;
                    default: break;
                }
            } else if (depth == 3) {
                std::vector<Coro<>> coros;
                for (unsigned i = 0; i < 8; ++i) coros.push_back(self(self, 0, path * 8 + i));
                co_await fork_join(std::move(coros));
            } else {
                co_await fork_join(self(self, depth - 1, 2 * path), self(self, depth - 1, 2 * path + 1));
            }
            spend(4);
        };
        auto root = [&]() -> Coro<> {
            const auto plain = create_task(profile(tree(8)), {.loop = weft::any_loop});
            const auto waiting = create_task(profile(waiting_tree(waiting_tree, 7, 1)), {.loop = weft::any_loop});
            const auto [leaves, found] = co_await plain;
            CHECK(leaves == 256);
            check_tree(found, 8);
            const auto waited = co_await waiting;
            check(waited.profile, 7 * (1 + 2 + 4 + 8 + 16 + 128), 7 * 6);
            CHECK(waited.profile.forks == 31);
            CHECK(waited.profile.strands == 159 + 31);
        };
        const auto task = create_task(root(), {.loop = &simulation.loop(0)});
        simulation.run_until([&] { return task.done(); });
        task.result();
        for (std::size_t i = 0; i < simulation.size(); ++i) steals += simulation.loop(i).steals();
    }
    CHECK(steals > 0);
}

TEST_CASE("profile: on threads: a stolen branch is timed where it runs and added up at the join") {
    const StrandTime time;
    Group group(4);
    for (int round = 0; round < 20; ++round) {
        const auto [leaves, found] = group.run(profiled_anywhere(tree(12)));
        CHECK(leaves == 4096);
        check_tree(found, 12);
    }
    // The second branch is stolen for certain: the first forks until it is, and forking takes no time here.
    for (int round = 0; round < 20; ++round) {
        std::atomic<bool> stolen = false;
        auto first = [&]() -> Coro<> {
            spend(10);
            while (!stolen.load()) co_await fork_join(nothing(), nothing());
            spend(10);
        };
        auto second = [&]() -> Coro<> {
            spend(5);
            stolen = true;
            co_await fork_join(strand(50), strand(60));
            spend(5);
        };
        auto body = [&]() -> Coro<> {
            spend(1);
            co_await fork_join(first(), second());
            spend(1);
        };
        check(group.run(profiled_anywhere(body())).profile, 2 + 20 + 120, 2 + 70);
    }
    group.stop();
    CHECK(group.rescues() == 0);
}

TEST_CASE("profile: the profiler's own time is subtracted from every strand, and nothing becomes negative") {
    {
        const StrandTime time(1.0, 2);
        const Profile found = profiled(tree(3)).profile;
        const std::int64_t strands = 15 + 7;
        check(found, 10 * 8 + 7 * 7 - 2 * strands, 31 - 2 * 7);
    }
    {
        const StrandTime time(1.0, 100);
        const Profile found = profiled(tree(3)).profile;
        check(found, 0, 0);
        CHECK(found.burdened_span >= 0ns);
        CHECK(found.parallelism() == 1.0);
        CHECK(found.speed_up(4).most == 1.0);
    }
    {
        const StrandTime time(2.5);
        check(profiled(tree(2)).profile, 61 * 5 / 2 + 1, 24 * 5 / 2);  // 152.5 and 60
    }
}

TEST_CASE("profile: a long strand is not charged for the time that its thread was off the core") {
    const StrandTime time;
    constexpr std::int64_t kLong = 2 * StrandTime::kSuspicious;
    VirtualLoop loop;
    auto interrupted = [](std::int64_t ticks) -> Coro<> {
        spend(ticks);
        be_off_core(kLong);
        spend(ticks);
        co_return;
    };
    auto sleeps = [&]() -> Coro<> {
        spend(1);
        be_off_core(7);  // too short to be looked at
        co_await sleep(1s);
        co_await fork_join(interrupted(1), strand(kLong), interrupted(2));
        spend(kLong);
    };
    auto between = [&]() -> Coro<> {  // the thread sleeps between two steps
        for (int i = 0; i < 4; ++i) {
            be_off_core(kLong);
            co_await sleep(300ms);
        }
    };
    auto body = [&]() -> Coro<Profile> {
        const auto other = create_task(between());
        be_off_core(kLong);
        const auto result = co_await profile(sleeps());
        co_await other;
        co_return result.profile;
    };
    check(loop.run_until_complete(body()), 8 + 2 + kLong + 4 + kLong, 8 + kLong + kLong);
}

TEST_CASE("profile: the speed-up that work and span allow") {
    const Profile found{.work = 1000ns, .span = 100ns, .burdened_span = 150ns, .forks = 9, .strands = 28};
    CHECK(found.parallelism() == 10.0);
    CHECK(found.speed_up(1).least == 1.0);
    CHECK(found.speed_up(1).most == 1.0);
    CHECK(found.speed_up(2).least == doctest::Approx(1000.0 / (450 + 150)));
    CHECK(found.speed_up(2).most == 2.0);
    CHECK(found.speed_up(1000).least == doctest::Approx(1000.0 / (0.9 + 150)));
    CHECK(found.speed_up(1000).most == 10.0);
    const Profile tiny{.work = 1000ns, .span = 100ns, .burdened_span = 10'000ns};
    CHECK(tiny.speed_up(8).least < 1.0);  // not worth a second core
    CHECK(tiny.speed_up(8).most == 8.0);
    CHECK(Profile{}.parallelism() == 1.0);
    CHECK(Profile{}.speed_up(2).most == 1.0);
    for (const int cores : {0, -1, std::numeric_limits<int>::min()}) {
        CHECK_THROWS_AS((void)found.speed_up(cores), std::invalid_argument);
    }
}

TEST_CASE("profile: an empty Coro is refused at once") {
    auto coro = nothing();
    const Coro<> taken = std::move(coro);
    CHECK_THROWS_AS((void)profile(std::move(coro)), weft::InvalidStateError);
}

TEST_CASE("profile: by the machine's clock the counts are the same and no figure is negative") {
    const Profile found = profiled(tree(10)).profile;
    CHECK(found.forks == 1023);
    CHECK(found.strands == 2047 + 1023);
    CHECK(found.span >= 0ns);
    CHECK(found.work >= found.span);
    CHECK(found.burdened_span >= found.span);
    CHECK(weft::sync::strand_clock().ns_per_tick > 0);
    CHECK(weft::sync::strand_clock().cost >= 0);
}
