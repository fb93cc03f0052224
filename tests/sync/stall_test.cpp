#include "sync/stall.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/threads.hpp"
#include "scheduler/virtual_parker.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/fork_join.hpp"
#include "sync/gather.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait.hpp"
#include "sync/wrap_future.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace weft;
using namespace std::chrono_literals;
using test::Reports;
using test::VirtualLoop;

namespace {

std::string deadlock_of(VirtualLoop& loop) {
    try {
        for (;;) loop.turn();
    } catch (const scheduler::Deadlock& deadlock) {
        return deadlock.what();
    }
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Coro<> waits(Future<> future) { co_await future; }

// Loops on threads, in debug mode, that sleep a millisecond at a time.
class DebuggedLoops {
public:
    explicit DebuggedLoops(std::size_t count) : threads_({.loops = count, .debug = true}, &test::Group::make_loop) {
        for (std::size_t i = 0; i < count; ++i) threads_.loop(i).bound_parks(1ms);
        threads_.start(scheduler::Threads::First::own_thread);
    }
    [[nodiscard]] scheduler::Loop& loop(std::size_t i) const { return threads_.loop(i); }

private:
    scheduler::Threads threads_;
};

}  // namespace

TEST_CASE("deadlock: says which tasks wait, for what, and where") {
    const Reports reports;
    const auto never = create_future();
    VirtualLoop loop;
    const auto on_future = create_task(waits(never), {.name = "a", .loop = &loop.loop()});
    auto on_task = [&]() -> Coro<> { co_await on_future; };
    auto on_gather = [&]() -> Coro<> { co_await gather(never, on_future); };
    auto on_branches = [&]() -> Coro<> {
        auto one = waits(never);
        auto two = waits(never);
        co_await fork_join(std::move(one), std::move(two));
    };
    auto on_wait = [&]() -> Coro<> {
        std::vector<AnyFuture> handles{never};
        (void)co_await wait(std::move(handles));
    };
    const auto b = create_task(on_task(), {.name = "b", .loop = &loop.loop()});
    const auto c = create_task(on_gather(), {.name = "c", .loop = &loop.loop()});
    const auto d = create_task(on_branches(), {.name = "d", .loop = &loop.loop()});
    const auto e = create_task(on_wait(), {.name = "e", .loop = &loop.loop()});
    const std::string text = deadlock_of(loop);
    CAPTURE(text);
    CHECK(text.starts_with(
        "deadlock: nothing is ready, no timer is armed, and nobody can wake this loop; 7 tasks wait:\n"));
    CHECK(has(text, "<Task pending name='a' created at "));
    CHECK(has(text, "stall_test.cpp:"));
    CHECK(has(text, "waits for a future\n    at "));
    CHECK(has(text, "waits for task 'a'\n    at "));
    CHECK(has(text, "waits for gather of 2\n    at "));
    CHECK(has(text, "waits for fork_join of 2 branches\n    at "));
    CHECK(has(text, "waits for wait for 1\n    at "));
    loop.close();
    CHECK(reports.count("Task was destroyed") == 7);
    never.cancel();  // else it and the gather that waits for it keep each other
}

TEST_CASE("deadlock: without tasks there is nothing to add; many are counted") {
    const Reports reports;
    {
        VirtualLoop loop;
        CHECK(deadlock_of(loop) == "deadlock: nothing is ready, no timer is armed, and nobody can wake this loop");
    }
    const auto never = create_future();
    VirtualLoop loop;
    for (int i = 0; i < 130; ++i) (void)loop.create(waits(never));
    const std::string text = deadlock_of(loop);
    CHECK(has(text, "; 130 tasks wait:"));
    CHECK(has(text, "... and 30 more"));
    loop.close();
}

TEST_CASE("deadlock: of a deep recursion the innermost awaits are shown") {
    const Reports reports;
    struct Recursion {
        static Coro<> go_down(int depth, Future<> future) {
            if (depth == 0) co_return co_await waits(future);
            co_await go_down(depth - 1, future);
        }
    };
    const auto never = create_future();
    VirtualLoop loop;
    (void)loop.create(Recursion::go_down(120, never));
    const std::string text = deadlock_of(loop);
    CHECK(has(text, "\n    at 22 places further out\n    at "));
    loop.close();
}

TEST_CASE("stall: in debug mode loops that all sleep for good say so once") {
    const Reports reports;
    const DebuggedLoops loops(2);
    const auto never = create_future();
    const auto waiting = run_coroutine_threadsafe(waits(never), loops.loop(0));
    const bool told = test::eventually(
        [&] { return reports.count("unless another thread, a descriptor or a signal steps in") == 1; });
    CHECK(told);
    CHECK(reports.count("waits for a future\n    at ") == 1);
    never.set_result();
    waiting.result();
    run_coroutine_threadsafe(sleep(20ms), loops.loop(1)).result();
    CHECK(reports.all().size() == 1);  // a sleep is no stall, nor are loops without tasks
}

TEST_CASE("stall: not while a task waits for another thread") {
    const Reports reports;
    const test::Group others(1);
    const DebuggedLoops loops(1);
    const auto never = create_future();
    const auto foreign = run_coroutine_threadsafe(waits(never), others.loop(0));
    auto task = [&]() -> Coro<> { co_await wrap_future(foreign); };
    const auto waiting = run_coroutine_threadsafe(task(), loops.loop(0));
    const std::uint64_t parks = loops.loop(0).parks();
    const bool slept = test::eventually([&] { return loops.loop(0).parks() > parks + 5; });
    CHECK(slept);
    CHECK(reports.all().empty());
    never.set_result();
    waiting.result();
}
