#include "sync/event.hpp"

#include <doctest/doctest.h>

#include <memory>
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
using weft::Event;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::VirtualLoop;

TEST_CASE("rule 226: wait on a set event does not suspend") {
    VirtualLoop loop;
    Event event;
    auto body = [&]() -> Coro<> {
        CHECK_FALSE(event.is_set());
        event.set();
        event.set();
        const int turn = loop.turns();
        const bool woken = co_await event.wait();
        CHECK(woken);
        CHECK(loop.turns() == turn);
        event.clear();
        CHECK_FALSE(event.is_set());
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 226: set wakes all who wait, in order, even if clear follows at once") {
    VirtualLoop loop;
    Event event;
    std::vector<int> log;
    auto waits = [&](int name) -> Coro<> {
        const bool woken = co_await event.wait();
        CHECK(woken);
        log.push_back(name);
    };
    auto body = [&]() -> Coro<> {
        std::vector<Task<>> tasks;
        for (int i = 0; i < 5; ++i) tasks.push_back(create_task(waits(i)));
        co_await sleep(0s);
        event.set();
        event.clear();
        tasks.push_back(create_task(waits(5)));
        co_await sleep(0s);
        CHECK(log == std::vector<int>{0, 1, 2, 3, 4});
        co_await sleep(0s);
        CHECK_FALSE(tasks[5].done());
        event.set();
        co_await tasks[5];
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 226: a waiter leaves when it is cancelled, also after it was woken") {
    VirtualLoop loop;
    Event event;
    auto body = [&]() -> Coro<> {
        const auto in_line = create_task(event.wait());
        const auto woken = create_task(event.wait());
        co_await sleep(0s);
        in_line.cancel("left");
        event.set();
        woken.cancel("too late");
        CHECK(co_await ended(in_line) == "cancelled: left");
        CHECK(co_await ended(woken) == "cancelled: too late");
        event.clear();
        CHECK(co_await ended(weft::wait_for(event.wait(), 1s)) == "error: timed out");
    };
    loop.run_until_complete(body());
}

TEST_CASE("who was woken does not need the event any more") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        auto event = std::make_unique<Event>();
        const auto a = create_task(event->wait());
        const auto b = create_task(event->wait());
        co_await sleep(0s);
        event->set();
        b.cancel();
        event.reset();
        CHECK(co_await a);
        CHECK(co_await ended(b) == "cancelled");
    };
    loop.run_until_complete(body());
}

TEST_CASE("who sees the event set may destroy it, though set() is still on its way out") {
    const weft::test::Group group(2);
    auto sets = [](Event& event) -> Coro<> {
        event.set();
        co_return;
    };
    auto body = [&]() -> Coro<> {
        for (int i = 0; i < 3000; ++i) {
            auto event = std::make_unique<Event>();
            const auto setter = create_task(sets(*event), {.loop = weft::any_loop});
            if (i % 2 == 0) {
                co_await event->wait();
            } else {
                while (!event->is_set()) co_await sleep(0s);
            }
            event.reset();
            co_await setter;
        }
    };
    group.run(body());
}

TEST_CASE("an awaiter may be awaited again") {
    VirtualLoop loop;
    Event event;
    auto twice = [&]() -> Coro<> {
        auto waiting = event.wait();
        co_await waiting;
        event.clear();
        co_await waiting;
    };
    auto body = [&]() -> Coro<> {
        const auto task = create_task(twice());
        co_await sleep(0s);
        event.set();
        co_await sleep(0s);
        CHECK_FALSE(task.done());
        task.cancel("the second time");
        CHECK(co_await ended(task) == "cancelled: the second time");
        event.set();  // nobody is in line
        const auto again = create_task(twice());
        co_await sleep(0s);
        event.set();
        co_await again;
    };
    loop.run_until_complete(body());
}

TEST_CASE("an awaiter may be awaited again, whoever was behind it in line before") {
    for (const bool cancelled : {false, true}) {
        CAPTURE(cancelled);
        VirtualLoop loop;
        Event event;
        int woken = 0;
        auto twice = [&]() -> Coro<> {
            Event::Waiting waiting = event.wait();
            try {
                co_await waiting;
            } catch (const weft::CancelledError&) {
                CHECK(cancelled);
            }
            event.clear();
            co_await waiting;
            ++woken;
        };
        auto once = [&]() -> Coro<> {
            co_await event.wait();
            ++woken;
        };
        auto body = [&]() -> Coro<> {
            const Task<> first = create_task(twice());
            {
                const Task<> behind = create_task(once());
                co_await sleep(0s);
                if (cancelled) first.cancel();
                co_await sleep(0s);
                if (cancelled) CHECK(woken == 0);
                event.set();
                co_await behind;
            }
            co_await sleep(0s);
            event.set();
            co_await first;
        };
        loop.run_until_complete(body());
        CHECK(woken == 2);
    }
}
