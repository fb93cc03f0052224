#include "sync/barrier.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Barrier;
using weft::Coro;
using weft::create_task;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

namespace {

using Log = std::vector<std::string>;

Coro<> arrive(Barrier& barrier, Log& log) { log.push_back(co_await ended(barrier.wait())); }

Coro<std::vector<std::size_t>> rounds(Barrier& barrier, int count) {
    std::vector<std::size_t> indices;
    for (int i = 0; i < count; ++i) indices.push_back(co_await barrier.wait());
    co_return indices;
}

}  // namespace

TEST_CASE("rule 235: the number of parties is at least 1") {
    CHECK(thrown_by([] { const Barrier barrier(0); }) == "error: parties must be >= 1, not 0");
    CHECK(thrown_by([] { const Barrier barrier(-3); }) == "error: parties must be >= 1, not -3");
    VirtualLoop loop;
    Barrier barrier(1);
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        const std::size_t index = co_await barrier.wait();
        CHECK(index == 0);
        CHECK(loop.turns() == turn);
        CHECK(barrier.parties() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 235: each gets its arrival's index, round after round") {
    VirtualLoop loop;
    Barrier barrier(3);
    auto body = [&]() -> Coro<> {
        std::vector<Task<std::vector<std::size_t>>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(create_task(rounds(barrier, 4)));
        std::vector<std::vector<std::size_t>> all;
        for (const auto& task : tasks) all.push_back(co_await task);
        for (std::size_t round = 0; round < 4; ++round) {
            std::vector<std::size_t> indices{all[0][round], all[1][round], all[2][round]};
            std::sort(indices.begin(), indices.end());
            CHECK(indices == std::vector<std::size_t>{0, 1, 2});
        }
        CHECK(all[0][0] == 0);
        CHECK(all[2][0] == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 235: who comes while a round drains waits for the next one") {
    VirtualLoop loop;
    Barrier barrier(2);
    Log log;
    auto body = [&]() -> Coro<> {
        std::vector<Task<>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(create_task(arrive(barrier, log)));
        co_await sleep(1s);
        CHECK(log == Log{"value", "value"});
        CHECK(barrier.n_waiting() == 1);
        tasks.push_back(create_task(arrive(barrier, log)));
        co_await sleep(1s);
        CHECK(log.size() == 4);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 236 and 237: a cancelled waiter of a filling barrier lowers the count") {
    VirtualLoop loop;
    Barrier barrier(2);
    Log log;
    auto body = [&]() -> Coro<> {
        CHECK(barrier.n_waiting() == 0);
        const auto a = create_task(arrive(barrier, log));
        co_await sleep(1s);
        CHECK(barrier.n_waiting() == 1);
        a.cancel();
        co_await sleep(1s);
        CHECK(barrier.n_waiting() == 0);
        CHECK_FALSE(barrier.broken());
        const auto b = create_task(arrive(barrier, log));
        co_await sleep(1s);
        CHECK_FALSE(b.done());
        const std::size_t index = co_await barrier.wait();
        CHECK(index == 1);
        CHECK(barrier.n_waiting() == 0);  // draining
        co_await b;
        CHECK(log == Log{"cancelled", "value"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 236: reset throws out who waits; the barrier fills anew") {
    VirtualLoop loop;
    Barrier barrier(3);
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(arrive(barrier, log));
        const auto b = create_task(arrive(barrier, log));
        co_await sleep(1s);
        co_await barrier.reset();
        CHECK(barrier.n_waiting() == 0);
        co_await a;
        co_await b;
        CHECK(log == Log{"error: Abort or reset of barrier", "error: Abort or reset of barrier"});
        CHECK_FALSE(barrier.broken());
        std::vector<Task<>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(create_task(arrive(barrier, log)));
        co_await sleep(1s);
        CHECK(log.size() == 5);
        CHECK(log.back() == "value");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 236: abort breaks the barrier until it is reset") {
    VirtualLoop loop;
    Barrier barrier(2);
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(arrive(barrier, log));
        co_await sleep(1s);
        co_await barrier.abort();
        CHECK(barrier.broken());
        co_await a;
        CHECK(co_await ended(barrier.wait()) == "error: Barrier aborted");
        CHECK(log == Log{"error: Abort or reset of barrier"});
        co_await barrier.reset();
        CHECK_FALSE(barrier.broken());
        const auto b = create_task(arrive(barrier, log));
        (void)co_await barrier.wait();
        co_await b;
        CHECK(log.back() == "value");
    };
    loop.run_until_complete(body());
}
