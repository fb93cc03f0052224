// wrap_future: a thread's future awaited on a loop. Rules 52, 53, and 217, 219 seen from there.
#include "sync/wrap_future.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sync/sleep.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::ConcurrentFuture;
using weft::Coro;
using weft::create_future;
using weft::Future;
using weft::run_coroutine_threadsafe;
using weft::sleep;
using weft::wrap_future;
using weft::test::ended;
using weft::test::Group;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::together;
using weft::test::VirtualLoop;

namespace {

template <class T>
Coro<T> wait_on(Future<T> future) {
    co_return co_await future;
}

// On the loop, without running a task there.
template <class T>
Future<T> wrapped_on(VirtualLoop& loop, const ConcurrentFuture<T>& future) {
    Future<T> wrapped;
    loop.call_soon([&] { wrapped = wrap_future(future); });
    loop.turn();
    return wrapped;
}

}  // namespace

TEST_CASE("rule 52: a value, a failure and a cancellation come over, each in a turn of the loop") {
    const Reports reports;
    VirtualLoop there;
    VirtualLoop here;
    const auto gate = create_future<int>();
    const auto future = run_coroutine_threadsafe(wait_on(gate), there.loop());
    const Future<int> wrapped = wrapped_on(here, future);
    const auto task = here.create(ended(wrapped));
    here.turn();

    SUBCASE("a value") {
        gate.set_result(4);
        there.turn(2);
        CHECK(future.done());
        CHECK_FALSE(wrapped.done());  // rule 53: not from the other loop
        here.turn();
        CHECK(wrapped.result() == 4);
        CHECK_FALSE(task.done());
        here.turn();
        CHECK(task.result() == "value");
        CHECK(future.result() == 4);  // copied, not taken away
    }
    SUBCASE("a failure") {
        gate.set_exception(std::runtime_error("boom"));
        there.turn(2);
        here.turn(2);
        CHECK(task.result() == "error: boom");
        CHECK(wrapped.exception() == future.exception());
    }
    SUBCASE("a cancellation") {
        there.turn();
        CHECK(future.cancel("stop"));
        CHECK_FALSE(wrapped.done());
        here.turn(2);
        CHECK(task.result() == "cancelled");
        CHECK(wrapped.cancelled());
        there.turn();
    }
    CHECK(reports.all().empty());
}

TEST_CASE("rules 52 and 217: cancelling the loop's future cancels the thread's, and that its task, by queues") {
    VirtualLoop there;
    VirtualLoop here;
    const auto never = create_future<int>();
    auto waits = [&]() -> Coro<int> { co_return co_await never; };
    const auto future = run_coroutine_threadsafe(waits(), there.loop());
    there.turn(2);
    const Future<int> wrapped = wrapped_on(here, future);
    CHECK(wrapped.cancel("enough"));
    CHECK(wrapped.cancelled());
    CHECK_FALSE(future.done());
    CHECK_FALSE(wrapped.cancel());
    here.turn();
    CHECK(future.cancelled());
    there.turn();
    CHECK(never.cancelled());
    here.turn();  // the thread future's end comes back and changes nothing
    CHECK(thrown_by([&] { return wrapped.result(); }) == "cancelled: enough");
}

TEST_CASE("rule 53: with the loop closed a completion is dropped silently, and so is a cancellation") {
    const Reports reports;
    VirtualLoop there;
    Future<std::shared_ptr<int>> early;
    Future<std::shared_ptr<int>> late;
    auto held = std::make_shared<int>(1);
    const auto gate = create_future<std::shared_ptr<int>>();
    auto future = run_coroutine_threadsafe(wait_on(gate), there.loop());
    there.turn();
    {
        VirtualLoop here;
        late = wrapped_on(here, future);
        auto done = run_coroutine_threadsafe(wait_on(gate), there.loop());
        there.turn();
        early = wrapped_on(here, done);
        gate.set_result(held);
        there.turn();  // both are on the way; `here` takes no further turn
    }
    CHECK(future.done());
    CHECK_FALSE(early.done());
    CHECK_FALSE(late.done());
    CHECK(late.cancel());
    early = {};
    late = {};
    future = {};
    CHECK(reports.all().empty());
}

TEST_CASE("wrap_future: of one that is done; move-only values; nothing at all") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto give = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
        const auto future = run_coroutine_threadsafe(give(), loop.loop());
        while (!future.done()) co_await sleep(0s);
        const Future<std::unique_ptr<int>> wrapped = wrap_future(future);
        CHECK_FALSE(wrapped.done());
        const std::unique_ptr<int> seven = co_await wrapped;
        CHECK(*seven == 7);
        const std::string again = co_await ended(wrap_future(future));
        CHECK(again.find("taken already") != std::string::npos);

        auto nothing = []() -> Coro<> { co_await sleep(1s); };
        const auto silent = run_coroutine_threadsafe(nothing(), loop.loop());
        co_await wrap_future(silent);
        CHECK(silent.done());
    };
    loop.run_until_complete(body());
    CHECK(thrown_by([] { return wrap_future(ConcurrentFuture<int>()); }) == "error: no running event loop");
}

TEST_CASE("rule 219: a loop awaits what another loop, closed meanwhile, never began") {
    VirtualLoop here;
    auto there = std::make_unique<VirtualLoop>();
    auto never = []() -> Coro<int> { co_return 1; };
    const auto future = run_coroutine_threadsafe(never(), there->loop());
    const auto task = here.create(ended(wrapped_on(here, future)));
    here.turn();
    there.reset();
    here.turn(2);
    CHECK(task.result() == "error: Event loop is closed");
}

TEST_CASE("rule 52: loops of two groups await each other's work, some of it cancelled, from all threads") {
    constexpr int kRounds = 300;
    const Reports reports;
    int values = 0;
    int cancelled = 0;
    {
        const Group here(2);
        const Group there(2);
        auto answers = [](int n) -> Coro<int> {
            co_await sleep(0s);
            co_return n;
        };
        auto asks = [&](int n) -> Coro<int> {
            const auto future = run_coroutine_threadsafe(answers(n), there.loop(static_cast<std::size_t>(n) % 2));
            co_return co_await wrap_future(future);
        };
        for (int round = 0; round < kRounds; ++round) {
            const auto asking = run_coroutine_threadsafe(asks(round), here.loop(static_cast<std::size_t>(round) % 2));
            std::string how;
            together({[&] { how = thrown_by([&] { return asking.result(60s); }); },
                      [&] {
                          if (round % 2 == 0) asking.cancel();
                      }});
            values += how == "nothing";
            cancelled += how == "cancelled";
        }
    }
    CHECK(values + cancelled == kRounds);
    CHECK(values >= kRounds / 2);
    CHECK(reports.all().empty());
}
