// What holds for whoever waits in line, whatever the primitive.
#include "sync/parking_lot.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sync/broadcast.hpp"
#include "sync/condition.hpp"
#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/queue.hpp"
#include "sync/select.hpp"
#include "sync/semaphore.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/watch.hpp"
#include "tests/support/simulation.hpp"

using weft::Coro;
using weft::create_task;
using weft::sleep;
using weft::Task;
using weft::test::Simulation;

namespace {

// One of each, in the state in which everybody has to wait.
struct Everything {
    Everything() {
        CHECK(lock.try_acquire());
        full.put_nowait(0);
    }

    weft::Lock lock;
    weft::Semaphore semaphore{0};
    weft::Event event;
    weft::Condition condition;
    weft::Queue<int> empty;
    weft::Queue<int> full{1};
    weft::Broadcast<int> broadcast{4};
    weft::Watch<int> watch{0};
};

struct Way {
    const char* name;
    Coro<> (*wait)(Everything& all);
    void (*let_go)(Everything& all);
    bool once = false;  // that is enough for all
};

Coro<> wait_for_lock(Everything& all) {
    co_await all.lock.acquire();
    all.lock.release();
}
Coro<> wait_for_permit(Everything& all) { co_await all.semaphore.acquire(); }
Coro<> wait_for_event(Everything& all) { co_await all.event.wait(); }
Coro<> wait_for_notification(Everything& all) {
    const weft::LockGuard held = co_await all.condition.scoped();
    co_await all.condition.wait();
}
Coro<> wait_for_item(Everything& all) { (void)co_await all.empty.get(); }
Coro<> wait_for_room(Everything& all) { co_await all.full.put(1); }
Coro<> wait_for_either(Everything& all) { (void)co_await weft::select(all.event.wait(), all.empty.get()); }
Coro<> wait_for_value(Everything& all) {
    auto receiver = all.broadcast.subscribe();
    (void)co_await receiver.receive();
}
Coro<> wait_for_change(Everything& all) {
    auto watcher = all.watch.subscribe();
    (void)co_await watcher.changed();
}

const std::vector<Way>& ways() {
    static const std::vector<Way> each{
        {"lock", wait_for_lock, [](Everything& all) { all.lock.release(); }, true},
        {"semaphore", wait_for_permit, [](Everything& all) { all.semaphore.release(); }},
        {"event", wait_for_event, [](Everything& all) { all.event.set(); }},
        {"condition", wait_for_notification,
         [](Everything& all) {
             if (!all.condition.try_acquire()) return;
             all.condition.notify_all();
             all.condition.release();
         }},
        {"empty queue", wait_for_item, [](Everything& all) { all.empty.put_nowait(1); }},
        {"full queue", wait_for_room, [](Everything& all) { (void)all.full.try_get(); }},
        {"select", wait_for_either, [](Everything& all) { all.empty.put_nowait(1); }},
        {"broadcast", wait_for_value, [](Everything& all) { (void)all.broadcast.send(1); }, true},
        {"watch", wait_for_change, [](Everything& all) { all.watch.set(1); }},
    };
    return each;
}

bool all_done(const std::vector<Task<>>& tasks) {
    return std::all_of(tasks.begin(), tasks.end(), [](const Task<>& task) { return task.done(); });
}

}  // namespace

TEST_CASE("a woken waiter resumes on its own loop if it is pinned") {
    for (const Way& way : ways()) {
        CAPTURE(way.name);
        for (std::uint32_t seed = 1; seed <= 20; ++seed) {
            CAPTURE(seed);
            Simulation simulation(4, seed);
            Everything all;
            int elsewhere = 0;
            std::size_t waiting = 0;
            auto pinned = [&](weft::scheduler::Loop& home) -> Coro<> {
                ++waiting;
                co_await way.wait(all);
                elsewhere += weft::scheduler::current_loop() != &home;
            };
            auto waker = [&](const std::vector<Task<>>& tasks) -> Coro<> {
                while (waiting != tasks.size()) co_await sleep(std::chrono::seconds(0));
                way.let_go(all);
                while (!all_done(tasks)) {
                    co_await sleep(std::chrono::seconds(0));
                    if (!way.once) way.let_go(all);
                }
            };
            std::vector<Task<>> tasks;
            for (std::size_t i = 0; i < 8; ++i) {
                weft::scheduler::Loop& home = simulation.loop(i % 4);
                tasks.push_back(create_task(pinned(home), {.loop = &home}));
            }
            const Task<> wakes = create_task(waker(tasks), {.loop = &simulation.loop(0)});
            simulation.run_until([&] { return wakes.done() && all_done(tasks); });
            CHECK(elsewhere == 0);
        }
    }
}

TEST_CASE("first come, first served, from whatever loop") {
    constexpr std::size_t kWaiters = 12;
    // Those that let one go at a time.
    for (const Way& way : ways()) {
        const std::string name = way.name;
        if (name != "lock" && name != "semaphore" && name != "empty queue") continue;
        CAPTURE(name);
        for (std::uint32_t seed = 1; seed <= 20; ++seed) {
            CAPTURE(seed);
            Simulation simulation(4, seed);
            Everything all;
            std::vector<std::size_t> order;
            std::size_t arrived = 0;
            auto waits = [&](std::size_t place) -> Coro<> {
                ++arrived;
                co_await way.wait(all);
                order.push_back(place);
            };
            std::vector<Task<>> tasks;
            for (std::size_t i = 0; i < kWaiters; ++i) {
                tasks.push_back(create_task(waits(i), {.loop = &simulation.loop(simulation.choose(4))}));
                simulation.run_until([&] { return arrived == i + 1; });
            }
            // The next one is let go when the one before has gone on: otherwise the loops decide who is faster.
            for (std::size_t i = 0; i < kWaiters; ++i) {
                if (i == 0 || !way.once) way.let_go(all);
                simulation.run_until([&] { return order.size() > i; });
            }
            std::vector<std::size_t> expected(kWaiters);
            for (std::size_t i = 0; i < kWaiters; ++i) expected[i] = i;
            CHECK(order == expected);
            simulation.run_until([&] { return all_done(tasks); });
        }
    }
}
