#include "sync/watch.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::sleep;
using weft::Task;
using weft::Watch;
using weft::WatchShutDown;
using weft::test::ended;
using weft::test::Group;
using weft::test::VirtualLoop;

TEST_CASE("a watch tells of a change once, and gives the latest value") {
    VirtualLoop loop;
    Watch<std::string> config("a");
    auto watcher = config.subscribe();
    auto body = [&]() -> Coro<> {
        CHECK(config.get() == "a");
        const int turn = loop.turns();
        config.set("b");
        config.set("c");
        CHECK(co_await watcher.changed() == "c");  // "b" is history
        CHECK(loop.turns() == turn);
        const auto waiting = create_task(watcher.changed());
        co_await sleep(0s);
        CHECK_FALSE(waiting.done());
        config.set("d");
        config.set("e");
        CHECK(co_await waiting == "e");
        CHECK(config.get() == "e");
        config.set("f");
        CHECK(watcher.get() == "f");  // and has seen it
        CHECK(co_await ended(weft::wait_for(watcher.changed(), 1s)) == "error: timed out");
    };
    loop.run_until_complete(body());
}

TEST_CASE("each watcher of a watch sees changes by itself") {
    VirtualLoop loop;
    Watch<int> level(0);
    std::vector<int> log;
    auto watches = [&](Watch<int>::Watcher watcher, int name) -> Coro<> {
        for (int i = 0; i < 2; ++i) {
            const int value = co_await watcher.changed();
            log.push_back(name + value);
        }
    };
    auto body = [&]() -> Coro<> {
        const Task<> one = create_task(watches(level.subscribe(), 100));
        const Task<> two = create_task(watches(level.subscribe(), 200));
        co_await sleep(0s);
        level.set(1);
        co_await sleep(0s);
        level.set(2);
        co_await one;
        co_await two;
        auto late = level.subscribe();
        CHECK(co_await ended(weft::wait_for(late.changed(), 1s)) == "error: timed out");
    };
    loop.run_until_complete(body());
    CHECK(log == std::vector<int>{101, 201, 102, 202});
}

TEST_CASE("a watcher sees a change whose wait was cancelled, before or after it was woken") {
    for (const bool woken : {false, true}) {
        CAPTURE(woken);
        VirtualLoop loop;
        Watch<int> level(0);
        auto watcher = level.subscribe();
        auto body = [&]() -> Coro<> {
            const auto task = create_task(watcher.changed());
            co_await sleep(0s);
            if (woken) level.set(1);
            task.cancel();
            CHECK(co_await ended(task) == "cancelled");
            if (!woken) level.set(1);
            CHECK(co_await watcher.changed() == 1);
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("a watcher sees the last change before the shutdown, then learns of it") {
    VirtualLoop loop;
    Watch<int> level(0, "level");
    auto reads = level.subscribe();
    auto waits = level.subscribe();
    auto body = [&]() -> Coro<> {
        level.set(1);
        CHECK(co_await waits.changed() == 1);
        const auto waiting = create_task(waits.changed());
        co_await sleep(0s);
        level.shutdown();
        CHECK(co_await ended(waiting) == "error: the watch is shut down");
        CHECK(co_await reads.changed() == 1);
        CHECK(co_await ended(reads.changed()) == "error: the watch is shut down");
    };
    loop.run_until_complete(body());
    CHECK_THROWS_AS(level.set(2), WatchShutDown);
    CHECK(level.get() == 1);
    CHECK(level.in_words() == "watch 'level'");
}

TEST_CASE("a watch across loops: values only go forward, and everybody sees the last") {
    constexpr int kValues = 20'000;
    const Group group(4);
    Watch<int> level(0);
    auto watches = [](Watch<int>::Watcher watcher) -> Coro<bool> {
        int last = 0;
        bool forward = true;
        try {
            for (;;) {
                const int value = co_await watcher.changed();
                forward = forward && value > last;
                last = value;
            }
        } catch (const WatchShutDown&) {
            co_return forward&& last == kValues;
        }
    };
    auto body = [&]() -> Coro<> {
        std::vector<Task<bool>> tasks;
        for (int i = 0; i < 6; ++i) {
            tasks.push_back(create_task(watches(level.subscribe()), {.loop = weft::any_loop}));
        }
        for (int i = 1; i <= kValues; ++i) {
            level.set(i);
            if (i % 16 == 0) co_await sleep(0s);
        }
        level.shutdown();
        for (const auto& task : tasks) CHECK(co_await task);
    };
    group.run(body());
}
