#include "sync/future.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sync/awaitable.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::AnyFuture;
using weft::CancelledError;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::Future;
using weft::InvalidStateError;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

std::exception_ptr failure(const char* text) { return std::make_exception_ptr(std::runtime_error(text)); }

}  // namespace

TEST_CASE("rules 31 and 32: only a pending future changes, once") {
    const auto future = create_future<int>();
    CHECK_FALSE(future.done());
    CHECK_FALSE(future.cancelled());
    SUBCASE("after a result") {
        future.set_result(1);
        CHECK(future.done());
        CHECK_FALSE(future.cancelled());
    }
    SUBCASE("after an exception") {
        future.set_exception(std::runtime_error("boom"));
        CHECK(future.done());
        CHECK_FALSE(future.cancelled());
    }
    SUBCASE("after a cancel") {
        CHECK(future.cancel());
        CHECK(future.cancelled());
    }
    const bool cancelled = future.cancelled();
    const std::string ended_with = thrown_by([&] { return future.result(); });
    CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
    CHECK_THROWS_AS(future.set_exception(std::logic_error("late")), InvalidStateError);
    CHECK_FALSE(future.try_set_result(2));
    CHECK_FALSE(future.try_set_exception(std::logic_error("late")));
    CHECK_FALSE(future.cancel("late"));
    CHECK(future.cancelled() == cancelled);
    CHECK(thrown_by([&] { return future.result(); }) == ended_with);
}

TEST_CASE("rule 33: cancelling a future is immediate and queues the callbacks") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future();
        bool called = false;
        future.add_done_callback([&called](const Future<>&) { called = true; });
        const bool accepted = future.cancel("enough");
        CHECK(accepted);
        CHECK(future.cancelled());
        CHECK(thrown_by([&] {
                  future.result();
                  return 0;
              }) == "cancelled: enough");
        CHECK_FALSE(called);
        co_await sleep(0s);
        CHECK(called);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 34 and 35: result() and exception() in every state") {
    const auto future = create_future<int>();
    CHECK_THROWS_AS((void)future.result(), InvalidStateError);
    CHECK_THROWS_AS((void)future.exception(), InvalidStateError);
    SUBCASE("a value") {
        future.set_result(7);
        CHECK(future.result() == 7);
        CHECK(future.exception() == nullptr);
    }
    SUBCASE("the very exception object") {
        const auto boom = failure("boom");
        future.set_exception(boom);
        CHECK(future.exception() == boom);
        std::exception_ptr seen;
        try {
            (void)future.result();
        } catch (...) {
            seen = std::current_exception();
        }
        CHECK(seen == boom);
    }
    SUBCASE("cancelled: both raise") {
        future.cancel("why");
        CHECK(thrown_by([&] { return future.result(); }) == "cancelled: why");
        CHECK(thrown_by([&] { return future.exception(); }) == "cancelled: why");
    }
    SUBCASE("cancelled without a message") {
        future.cancel();
        CHECK(thrown_by([&] { return future.result(); }) == "cancelled");
    }
}

TEST_CASE("rules 36 and 37: a CancelledError set as an exception is no cancellation") {
    VirtualLoop loop;
    const auto future = create_future();
    future.set_exception(CancelledError("set"));
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK(future.exception() != nullptr);
    auto waiter = [&]() -> Coro<> { co_await future; };
    const auto task = loop.create(waiter());
    loop.turn();
    CHECK(task.cancelled());  // rule 57: a CancelledError left its body
    CHECK_FALSE(future.cancelled());
    CHECK(loop.run_until_complete(ended(future)) == "cancelled: set");
}

TEST_CASE("rule 38: callbacks are queued one by one in the order of registration, never called inline") {
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto future = create_future();
        for (const char* name : {"a", "b", "c"}) {
            future.add_done_callback([&log, name](const Future<>&) { log.emplace_back(name); });
        }
        loop.call_soon([&log] { log.emplace_back("before"); });
        future.set_result();
        loop.call_soon([&log] { log.emplace_back("after"); });
        CHECK(log.empty());
        co_await sleep(0s);
        CHECK(log == Log{"before", "a", "b", "c", "after"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 39 and 42: a callback on a done future lands behind what is queued") {
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        future.set_result(3);
        loop.call_soon([&log] { log.emplace_back("queued before"); });
        future.add_done_callback([&](const Future<int>& done) {
            log.emplace_back("callback " + std::to_string(done.result()));
            done.add_done_callback([&](const Future<int>&) { log.emplace_back("from the callback"); });
        });
        CHECK(log.empty());
        co_await sleep(0s);
        CHECK(log == Log{"queued before", "callback 3"});
        co_await sleep(0s);
        CHECK(log == Log{"queued before", "callback 3", "from the callback"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 40 and 44: the same callable twice; one that raises is reported and harms nobody") {
    const Reports reports;
    VirtualLoop loop;
    int calls = 0;
    auto body = [&]() -> Coro<> {
        const auto future = create_future();
        auto count = [&calls](const Future<>&) { ++calls; };
        future.add_done_callback(count);
        future.add_done_callback([](const Future<>&) { throw std::runtime_error("from a callback"); });
        future.add_done_callback(count);
        future.set_result();
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
    CHECK(calls == 2);
    CHECK(reports.count("Exception in callback") == 1);
    CHECK(reports.count("from a callback") == 1);
}

TEST_CASE("rule 45: awaiting a done future does not suspend") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        future.set_result(1);
        bool other_ran = false;
        loop.call_soon([&] { other_ran = true; });
        const int turn = loop.turns();
        const int value = co_await future;
        CHECK(value == 1);
        CHECK_FALSE(other_ran);
        CHECK(loop.turns() == turn);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 46: waiters wake in the order of their awaits, interleaved with callbacks, with one exception object") {
    VirtualLoop loop;
    Log log;
    std::vector<std::exception_ptr> seen;
    const auto future = create_future();
    auto waiter = [&](std::string name) -> Coro<> {
        try {
            co_await future;
        } catch (...) {
            seen.push_back(std::current_exception());
        }
        log.push_back(name);
    };
    auto body = [&]() -> Coro<> {
        const auto first = create_task(waiter("first"));
        co_await sleep(0s);
        future.add_done_callback([&](const Future<>&) { log.emplace_back("callback"); });
        const auto second = create_task(waiter("second"));
        const auto third = create_task(waiter("third"));
        co_await sleep(0s);
        future.set_exception(std::runtime_error("boom"));
        CHECK(log.empty());
        co_await sleep(0s);
        CHECK(log == Log{"first", "callback", "second", "third"});
        CHECK(third.done());
    };
    loop.run_until_complete(body());
    REQUIRE(seen.size() == 3);
    CHECK(seen[0] == seen[1]);
    CHECK(seen[0] == seen[2]);
}

TEST_CASE("rule 47: cancelling one of several tasks that await a future cancels them all") {
    VirtualLoop loop;
    const auto future = create_future();
    auto body = [&]() -> Coro<> {
        const auto a = create_task(ended(future));
        const auto b = create_task(ended(future));
        co_await sleep(0s);
        a.cancel("one");
        CHECK(future.cancelled());
        const std::string how_a = co_await a;
        const std::string how_b = co_await b;
        CHECK(how_a == "cancelled: one");
        CHECK(how_b == "cancelled: one");
        CHECK(a.cancelling() == 1);
        CHECK(b.cancelling() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 46 and 47: a waiter whose cancel cancels the future keeps its place among the others") {
    VirtualLoop loop;
    Log log;
    const auto future = create_future();
    auto waiter = [&](std::string name) -> Coro<> {
        (void)co_await ended(future);
        log.push_back(name);
    };
    auto body = [&]() -> Coro<> {
        const auto a = create_task(waiter("a"));
        const auto b = create_task(waiter("b"));
        const auto c = create_task(waiter("c"));
        co_await sleep(0s);
        b.cancel();
        co_await a;
        co_await b;
        co_await c;
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"a", "b", "c"});
}

TEST_CASE("rules 48 and 49: an exception that nobody looked at is reported") {
    const Reports reports;
    VirtualLoop loop;
    const Log reported{"Future exception was never retrieved | std::runtime_error: boom"};
    Log expected;
    SUBCASE("never looked at") {
        create_future().set_exception(failure("boom"));
        expected = reported;
    }
    SUBCASE("done() and cancelled() are no looks") {
        const auto future = create_future();
        future.set_exception(failure("boom"));
        CHECK(future.done());
        CHECK_FALSE(future.cancelled());
        expected = reported;
    }
    SUBCASE("result() is one") {
        const auto future = create_future();
        future.set_exception(failure("boom"));
        CHECK_THROWS(future.result());
    }
    SUBCASE("exception() is one") {
        const auto future = create_future();
        future.set_exception(failure("boom"));
        CHECK(future.exception() != nullptr);
    }
    SUBCASE("awaiting is one") {
        const auto future = create_future();
        future.set_exception(failure("boom"));
        CHECK(loop.run_until_complete(ended(future)) == "error: boom");
    }
    SUBCASE("rule 49: cancel() suppresses it") {
        const auto future = create_future();
        future.set_exception(failure("boom"));
        CHECK_FALSE(future.cancel());
    }
    SUBCASE("a pending or cancelled one has nothing to report") {
        (void)create_future();
        create_future().cancel();
    }
    CHECK(reports.all() == expected);
}

TEST_CASE("future: each awaits its own copy; the last owner and a move-only value move") {
    VirtualLoop loop;
    SUBCASE("copied for many") {
        const auto future = create_future<std::string>();
        future.set_result("a text that is too long to be kept inside");
        auto read = [&]() -> Coro<std::string> { co_return co_await future; };
        CHECK(loop.run_until_complete(read()) == "a text that is too long to be kept inside");
        CHECK(loop.run_until_complete(read()) == "a text that is too long to be kept inside");
        CHECK(future.result() == "a text that is too long to be kept inside");
    }
    SUBCASE("move-only: one taker") {
        const auto future = create_future<std::unique_ptr<int>>();
        future.set_result(std::make_unique<int>(5));
        CHECK(*future.result() == 5);  // a look, not a taking
        auto take = [&]() -> Coro<std::unique_ptr<int>> { co_return co_await future; };
        CHECK(*loop.run_until_complete(take()) == 5);
        CHECK_THROWS_AS((void)loop.run_until_complete(take()), InvalidStateError);
        CHECK(loop.run_until_complete(ended(create_future<int>().cancel() ? take() : take())).starts_with("error: "));
    }
    SUBCASE("a vector of move-only values is move-only") {
        const auto future = create_future<std::vector<std::unique_ptr<int>>>();
        std::vector<std::unique_ptr<int>> values;
        values.push_back(std::make_unique<int>(6));
        future.set_result(std::move(values));
        auto take = [&]() -> Coro<int> {
            const auto taken = co_await future;
            co_return *taken.at(0);
        };
        CHECK(loop.run_until_complete(take()) == 6);
        CHECK_THROWS_AS((void)loop.run_until_complete(take()), InvalidStateError);
    }
}

TEST_CASE("future: a value whose construction throws becomes the exception") {
    struct Picky {
        explicit Picky(int) { throw std::runtime_error("picky"); }
    };
    const auto future = create_future<Picky>();
    CHECK(future.try_set_result(1));
    CHECK(future.done());
    CHECK(thrown_by([&] {
              (void)future.result();
              return 0;
          }) == "error: picky");
}

TEST_CASE("future: an empty handle says so, handles compare and hash by identity") {
    const Future<int> empty;
    CHECK_FALSE(empty);
    CHECK_THROWS_AS((void)empty.done(), InvalidStateError);
    CHECK_THROWS_AS((void)empty.result(), InvalidStateError);
    CHECK_THROWS_AS(empty.set_result(1), InvalidStateError);
    CHECK_THROWS_AS(empty.cancel(), InvalidStateError);
    CHECK_THROWS_AS((void)AnyFuture().exception(), InvalidStateError);

    const auto a = create_future<int>();
    const auto b = create_future<int>();
    const Future<int> a_again = a;  // NOLINT(performance-unnecessary-copy-initialization)
    CHECK(a);
    CHECK(a == a_again);
    CHECK(a != b);
    CHECK(AnyFuture(a) == a);
    CHECK(empty == Future<int>());
    CHECK(std::unordered_set<Future<int>>{a, b, a_again}.size() == 2);
}

TEST_CASE("future: AnyFuture awaits, rethrows, and gives nothing") {
    VirtualLoop loop;
    const auto value = create_future<int>();
    const auto broken = create_future<int>();
    value.set_result(1);
    broken.set_exception(failure("boom"));
    CHECK(loop.run_until_complete(ended(AnyFuture(value))) == "value");
    CHECK(loop.run_until_complete(ended(AnyFuture(broken))) == "error: boom");
}

TEST_CASE("rule 61: a task cannot be completed from outside, also not through a Future") {
    VirtualLoop loop;
    auto nothing = []() -> Coro<int> { co_return 1; };
    const Future<int> future = loop.create(nothing());
    CHECK_THROWS_AS(future.set_result(2), std::runtime_error);
    CHECK_THROWS_AS((void)future.try_set_exception(std::logic_error("x")), std::runtime_error);
    loop.turn();
    CHECK(future.result() == 1);
}

TEST_CASE("future: handles outlive the loop; callbacks of a closed loop are dropped, not run") {
    Future<int> future = create_future<int>();
    Future<int> done = create_future<int>();
    int calls = 0;
    {
        VirtualLoop loop;
        auto body = [&]() -> Coro<> {
            future.add_done_callback([&calls, held = std::make_unique<int>(1)](const Future<int>&) { ++calls; });
            done.add_done_callback([&calls](const Future<int>&) { ++calls; });
            co_return;
        };
        loop.run_until_complete(body());
        done.set_result(1);  // its callback is queued when the loop closes
    }
    CHECK(calls == 0);
    future.set_result(2);
    CHECK(future.result() == 2);
    CHECK(calls == 0);
    CHECK(thrown_by([&] {
              future.add_done_callback([](const Future<int>&) {});
              return 0;
          }) == "error: the future belongs to no loop: it was created outside of loops");
}
