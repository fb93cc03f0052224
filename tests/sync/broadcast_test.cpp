#include "sync/broadcast.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Broadcast;
using weft::BroadcastLagged;
using weft::BroadcastShutDown;
using weft::Coro;
using weft::create_task;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Group;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

TEST_CASE("a broadcast gives every value to every receiver, from its subscription on") {
    VirtualLoop loop;
    Broadcast<std::string> news(8);
    CHECK(news.send("nobody hears it") == 0);
    auto early = news.subscribe();
    CHECK(news.send("a") == 1);
    auto late = news.subscribe();
    CHECK(news.receivers() == 2);
    auto body = [&]() -> Coro<> {
        CHECK(news.send("b") == 2);
        CHECK(co_await early.receive() == "a");
        CHECK(co_await early.receive() == "b");
        CHECK(co_await late.receive() == "b");
        CHECK_FALSE(early.try_receive().has_value());
    };
    loop.run_until_complete(body());
    {
        const auto moved = std::move(late);
        CHECK(news.receivers() == 2);
    }
    CHECK(news.receivers() == 1);
}

TEST_CASE("a broadcast wakes all who wait") {
    VirtualLoop loop;
    Broadcast<int> news(2);
    std::vector<int> log;
    auto receives = [&](Broadcast<int>::Receiver receiver, int name) -> Coro<> {
        const int value = co_await receiver.receive();
        log.push_back(name + value);
    };
    auto body = [&]() -> Coro<> {
        std::vector<Task<>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(create_task(receives(news.subscribe(), i * 100)));
        co_await sleep(0s);
        CHECK(news.send(7) == 3);
        for (const auto& task : tasks) co_await task;
    };
    loop.run_until_complete(body());
    CHECK(log == std::vector<int>{7, 107, 207});
    CHECK(news.receivers() == 0);
}

TEST_CASE("a receiver that lags behind is told how many it missed, and goes on with the oldest that is left") {
    VirtualLoop loop;
    Broadcast<int> news(3);
    auto receiver = news.subscribe();
    for (int i = 0; i < 3; ++i) news.send(i);
    auto body = [&]() -> Coro<> {
        CHECK(co_await receiver.receive() == 0);  // just not too late
        for (int i = 3; i < 10; ++i) news.send(i);
        std::uint64_t missed = 0;
        try {
            (void)co_await receiver.receive();
        } catch (const BroadcastLagged& lagged) {
            missed = lagged.missed();
        }
        CHECK(missed == 6);  // 1 to 6
        CHECK(co_await receiver.receive() == 7);
        CHECK(co_await receiver.receive() == 8);
        CHECK(co_await receiver.receive() == 9);
        CHECK_FALSE(receiver.try_receive().has_value());
    };
    loop.run_until_complete(body());
}

TEST_CASE("a receiver gets what was sent before the shutdown, then learns of it") {
    VirtualLoop loop;
    Broadcast<int> news(2);
    auto reads = news.subscribe();
    auto waits = news.subscribe();
    auto body = [&]() -> Coro<> {
        news.send(1);
        CHECK(co_await waits.receive() == 1);
        const auto waiting = create_task(waits.receive());
        co_await sleep(0s);
        news.shutdown();
        CHECK(co_await ended(waiting) == "error: the broadcast is shut down");
        CHECK(co_await reads.receive() == 1);
        CHECK(co_await ended(reads.receive()) == "error: the broadcast is shut down");
    };
    loop.run_until_complete(body());
    CHECK(thrown_by([&] { return news.send(2); }) == "error: the broadcast is shut down");
    CHECK_THROWS_AS((void)reads.try_receive(), BroadcastShutDown);
}

TEST_CASE("a receiver misses nothing when its wait is cancelled, before or after it is woken") {
    for (const bool woken : {false, true}) {
        CAPTURE(woken);
        VirtualLoop loop;
        Broadcast<int> news(2);
        auto receiver = news.subscribe();
        auto body = [&]() -> Coro<> {
            const auto task = create_task(receiver.receive());
            co_await sleep(0s);
            if (woken) news.send(1);
            task.cancel();
            CHECK(co_await ended(task) == "cancelled");
            if (!woken) news.send(1);
            CHECK(co_await receiver.receive() == 1);
            CHECK(co_await ended(weft::wait_for(receiver.receive(), 1s)) == "error: timed out");
            news.send(2);
            CHECK(co_await receiver.receive() == 2);
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("a broadcast keeps no more than its capacity, and copies values for those only that receive them") {
    VirtualLoop loop;
    const auto tracked = std::make_shared<int>(0);
    Broadcast<std::shared_ptr<int>> news(4);
    auto receiver = news.subscribe();
    for (int i = 0; i < 100; ++i) news.send(tracked);
    CHECK(tracked.use_count() == 1 + 4);
}

TEST_CASE("a broadcast refuses a capacity less than 1") {
    CHECK(thrown_by([] { return Broadcast<int>(0).capacity(); }) == "error: Broadcast capacity must be >= 1, not 0");
    CHECK(thrown_by([] { return Broadcast<int>(-3).capacity(); }) == "error: Broadcast capacity must be >= 1, not -3");
    CHECK(Broadcast<int>(2, "prices").in_words() == "broadcast 'prices'");
}

TEST_CASE("a receiver that is moved, assigned, or outlives its broadcast") {
    const Reports reports;
    VirtualLoop loop;
    loop.loop().set_debug(true);
    auto body = [&]() -> Coro<> {
        std::optional<Broadcast<int>> news(std::in_place, 4, "news");
        Broadcast<int> other(4);
        auto a = news->subscribe();
        auto b = other.subscribe();
        news->send(1);
        b = std::move(a);
        CHECK(other.receivers() == 0);
        CHECK(news->receivers() == 1);
        CHECK(b.try_receive() == 1);
        CHECK(co_await ended(a.receive()) == "error: the receiver was moved from");
        {
            const auto ends_with_this = std::move(b);
        }
        CHECK(news->receivers() == 0);
        const auto late = news->subscribe();
        const auto one_more = news->subscribe();
        news.emplace(4, "takes its place");
        const auto of_that = std::array{news->subscribe(), news->subscribe()};
        CHECK(reports.count("broadcast 'news' is destroyed before its receivers, of which there are 2") == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("a broadcast across loops: what each receiver got and missed is what was sent, in order") {
    constexpr int kValues = 20'000;
    constexpr int kReceivers = 6;
    const Group group(4);
    Broadcast<int> news(64);
    auto receives = [](Broadcast<int>::Receiver receiver, std::uint32_t seed) -> Coro<bool> {
        std::uint64_t seen = 0;
        std::uint64_t missed = 0;
        int last = -1;
        bool in_order = true;
        for (std::uint32_t i = seed;; ++i) {
            try {
                const int value =
                    i % 5 == 0 ? co_await weft::wait_for(receiver.receive(), 10us) : co_await receiver.receive();
                in_order = in_order && value == last + 1;
                last = value;
                ++seen;
            } catch (const BroadcastLagged& lagged) {
                missed += lagged.missed();
                last += static_cast<int>(lagged.missed());
            } catch (const weft::TimeoutError&) {
                continue;
            } catch (const BroadcastShutDown&) {
                co_return in_order&& seen + missed == kValues;
            }
        }
    };
    auto body = [&]() -> Coro<> {
        std::vector<Task<bool>> tasks;
        for (std::uint32_t i = 0; i < kReceivers; ++i) {
            tasks.push_back(create_task(receives(news.subscribe(), i), {.loop = weft::any_loop}));
        }
        for (int i = 0; i < kValues; ++i) {
            news.send(i);
            if (i % 16 == 0) co_await sleep(0s);
        }
        news.shutdown();
        for (const auto& task : tasks) CHECK(co_await task);
    };
    group.run(body());
}
