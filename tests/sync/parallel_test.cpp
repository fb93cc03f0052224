#include "sync/parallel.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::parallel_for;
using weft::parallel_reduce;
using weft::sleep;
using weft::test::ended;
using weft::test::Group;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

TEST_CASE("parallel_for: calls fn once for each index, whatever the grain") {
    VirtualLoop loop;
    for (const int grain : {1, 2, 7, 100, 1000}) {
        std::vector<int> calls(101);
        loop.run_until_complete(parallel_for(0, 101, grain, [&](int i) { ++calls[static_cast<std::size_t>(i)]; }));
        CHECK(calls == std::vector<int>(101, 1));
    }
}

TEST_CASE("parallel_for: on one loop the indices are in order; mixed and negative indices; an empty range") {
    VirtualLoop loop;
    std::vector<long> seen;
    loop.run_until_complete(parallel_for(-3, 4L, 2, [&](long i) { seen.push_back(i); }));
    CHECK(seen == std::vector<long>{-3, -2, -1, 0, 1, 2, 3});
    seen.clear();
    loop.run_until_complete(parallel_for(5, 5, 1, [&](long i) { seen.push_back(i); }));
    loop.run_until_complete(parallel_for(5, 2, 1, [&](long i) { seen.push_back(i); }));
    CHECK(seen.empty());
    constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t count = 0;
    loop.run_until_complete(parallel_for(kEnd - 5, kEnd, 2, [&](std::uint64_t) { ++count; }));
    CHECK(count == 5);
}

TEST_CASE("parallel: a grain below one is refused at the call") {
    const char* expected = "error: grain is 0: expected at least 1";
    CHECK(thrown_by([] { return parallel_for(0, 10, 0, [](int) {}); }) == expected);
    CHECK_THROWS_AS((void)parallel_for(0, 10, -1, [](int) {}), std::invalid_argument);
    CHECK(thrown_by([] { return parallel_reduce(0, 10, 0, 0, [](int i) { return i; }, std::plus<>()); }) == expected);
}

TEST_CASE("parallel_for: coroutine bodies suspend and overlap; the first exception in order is thrown") {
    VirtualLoop loop;
    int sum = 0;
    auto adds = [&](int i) -> Coro<> {
        co_await sleep((10 - i) * 1s);
        sum += i;
    };
    loop.run_until_complete(parallel_for(0, 10, 1, adds));
    CHECK(sum == 45);
    CHECK(loop.now().time_since_epoch() == 10s);

    auto fails = [](int i) -> Coro<> {
        co_await sleep((10 - i) * 1s);
        if (i == 3 || i == 8) throw std::runtime_error(std::to_string(i));
    };
    CHECK(loop.run_until_complete(ended(parallel_for(0, 10, 1, fails))) == "error: 3");
}

TEST_CASE("parallel_for: a cancel reaches the bodies") {
    VirtualLoop loop;
    int finished = 0;
    auto body = [&]() -> Coro<> {
        auto sleeps = [&](int) -> Coro<> {
            co_await sleep(1h);
            ++finished;
        };
        const auto task = create_task(parallel_for(0, 50, 3, sleeps));
        co_await sleep(1s);
        CHECK(task.cancel());
        const std::string how = co_await ended(task);
        CHECK(how == "cancelled");
    };
    loop.run_until_complete(body());
    CHECK(finished == 0);
    CHECK(loop.loop().armed_timers() == 0);
}

TEST_CASE("parallel_for: the callable lives as long as the operation") {
    VirtualLoop loop;
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = held;
    auto operation = parallel_for(0, 4, 1, [owned = std::move(held)](int) -> Coro<> { co_await sleep(1s); });
    CHECK_FALSE(watch.expired());
    loop.run_until_complete(std::move(operation));
    CHECK(watch.expired());
}

TEST_CASE("parallel_reduce: keeps the order of the indices, init first") {
    VirtualLoop loop;
    const auto text = [](int i) { return std::to_string(i); };
    const auto append = [](std::string a, const std::string& b) { return std::move(a) + b; };
    for (const int grain : {1, 3, 100}) {
        CHECK(loop.run_until_complete(parallel_reduce(0, 10, grain, std::string(">"), text, append)) == ">0123456789");
    }
    CHECK(loop.run_until_complete(parallel_reduce(3, 3, 1, std::string("init"), text, append)) == "init");
    auto later = [](int i) -> Coro<std::string> {
        co_await sleep((10 - i) * 1s);
        co_return std::to_string(i);
    };
    CHECK(loop.run_until_complete(parallel_reduce(0, 10, 2, std::string("<"), later, append)) == "<0123456789");
}

TEST_CASE("parallel: on many threads") {
    const Group group(4);
    constexpr int kCount = 200'000;
    std::vector<std::atomic<std::uint8_t>> calls(kCount);
    auto touches = [&](int i) { calls[static_cast<std::size_t>(i)].fetch_add(1, std::memory_order_relaxed); };
    auto root = [&]() -> Coro<long> {
        const auto visits = create_task(parallel_for(0, kCount, 64, touches), {.loop = weft::any_loop});
        const auto sums = create_task(parallel_reduce(
                                          0, kCount, 64, 0L, [](int i) { return static_cast<long>(i); }, std::plus<>()),
                                      {.loop = weft::any_loop});
        co_await visits;
        co_return co_await sums;
    };
    CHECK(group.run(root()) == static_cast<long>(kCount) * (kCount - 1) / 2);
    int wrong = 0;
    for (const auto& count : calls) wrong += count.load() != 1;
    CHECK(wrong == 0);
    CHECK(group.rescues() == 0);
}
