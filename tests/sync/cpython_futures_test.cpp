// What CPython's test_futures checks and no other test here does. tests/conformance/cpython.toml says which test covers
// which of CPython's.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "sync/concurrent_future.hpp"
#include "sync/future.hpp"
#include "sync/sleep.hpp"
#include "sync/wrap_future.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using weft::CallbackId;
using weft::Coro;
using weft::create_future;
using weft::Future;
using weft::test::Reports;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

TEST_CASE("rule 48: a future with a result, looked at or not, or without any end is no news when it goes") {
    const Reports reports;
    SUBCASE("abandoned") { (void)create_future<int>(); }
    SUBCASE("its result was never looked at") { create_future<int>().set_result(1); }
    SUBCASE("its result was looked at") {
        const auto future = create_future<int>();
        future.set_result(1);
        CHECK(future.result() == 1);
    }
    CHECK(reports.all().empty());
}

TEST_CASE("rule 38: every callback is called once, with the future, however that ended") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        Log log;
        for (const char* name : {"a", "b", "c"}) {
            future.add_done_callback([&log, &future, name](const Future<int>& done) {
                log.push_back(std::string(name) + (done == future && done.done() ? " done" : " not done"));
            });
        }
        SUBCASE("set_result") { future.set_result(3); }
        SUBCASE("set_exception") {
            future.set_exception(std::runtime_error("boom"));
            (void)future.exception();
        }
        SUBCASE("cancel") { future.cancel(); }
        CHECK(log.empty());
        loop.call_soon([&] { log.emplace_back("next"); });
        co_await weft::sleep(std::chrono::seconds(0));
        CHECK(log == Log{"a done", "b done", "c done", "next"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 41 and 43: any of three callbacks is taken off, before the end and by one another") {
    VirtualLoop loop;
    for (int removed = 0; removed < 8; ++removed) {
        for (const bool backwards : {false, true}) {
            CAPTURE(removed);
            CAPTURE(backwards);
            auto body = [&]() -> Coro<> {
                const auto future = create_future<int>();
                Log log;
                std::vector<CallbackId> ids;
                Log expected;
                for (int i = 0; i < 3; ++i) {
                    ids.push_back(
                        future.add_done_callback([&log, i](const auto&) { log.push_back(std::to_string(i)); }));
                    if ((removed >> i & 1) == 0) expected.push_back(std::to_string(i));
                }
                for (int n = 0; n < 3; ++n) {
                    const int i = backwards ? 2 - n : n;
                    if ((removed >> i & 1) == 0) continue;
                    CHECK(future.remove_done_callback(ids[static_cast<std::size_t>(i)]) == 1);
                    CHECK(future.remove_done_callback(ids[static_cast<std::size_t>(i)]) == 0);
                }
                future.set_result(1);
                co_await weft::sleep(std::chrono::seconds(0));
                CHECK(log == expected);
            };
            loop.run_until_complete(body());
        }
    }
    // Once the future is done nobody takes off anybody, itself included.
    auto body = [&]() -> Coro<> {
        const auto future = create_future<int>();
        Log log;
        std::vector<CallbackId> ids;
        for (int i = 0; i < 3; ++i) {
            ids.push_back(future.add_done_callback([&log, &ids, i](const Future<int>& done) {
                log.push_back(std::to_string(i));
                for (const CallbackId& id : ids) CHECK(done.remove_done_callback(id) == 0);
            }));
        }
        future.set_result(1);
        co_await weft::sleep(std::chrono::seconds(0));
        CHECK(log == Log{"0", "1", "2"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 52: a wrapped future that is cancelled between the thread's end and its own stays cancelled") {
    VirtualLoop loop;
    auto answer = []() -> Coro<int> { co_return 42; };
    const auto thread_side = weft::run_coroutine_threadsafe(answer(), loop.loop());
    Future<int> loop_side;
    loop.call_soon([&] { loop_side = weft::wrap_future(thread_side); });
    while (!thread_side.done()) loop.turn();
    REQUIRE_FALSE(loop_side.done());
    CHECK(loop_side.cancel());
    loop.turn();
    CHECK(loop_side.cancelled());
    CHECK_FALSE(thread_side.cancelled());
    CHECK(thread_side.result() == 42);
}
