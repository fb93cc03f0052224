// How many turns the synchronisation primitives and queues take.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

// Turns from `trigger` to the end of the task that runs `waiter`'s own code.
template <class A, class F>
Coro<> latency(Trace& log, const char* name, A waiter, F trigger) {
    const Turns turns;
    int seen = 0;
    auto body = [&]() -> Coro<> {
        (void)co_await std::move(waiter);
        seen = turns.count;
    };
    const auto task = create_task(body());
    co_await pause(5);
    const int before = turns.count;
    trigger();
    co_await task;
    log(name, seen - before);
    turns.stop();
}

}  // namespace

SCENARIO(an_event_wakes_its_waiter_one_turn_later, 102) {
    Event event;
    const auto trigger = [&] { event.set(); };
    co_await latency(log, "event", event.wait(), trigger);
}

SCENARIO(a_lock_passes_on_in_one_turn, 102) {
    Lock lock;
    co_await lock.acquire();
    const auto trigger = [&] { lock.release(); };
    co_await latency(log, "lock", lock.acquire(), trigger);
}

SCENARIO(a_semaphore_passes_on_in_one_turn, 102) {
    Semaphore semaphore(0);
    const auto trigger = [&] { semaphore.release(); };
    co_await latency(log, "semaphore", semaphore.acquire(), trigger);
}

SCENARIO(a_queue_wakes_its_getter_one_turn_later, 102) {
    Queue<int> queue;
    const auto trigger = [&] { queue.put_nowait(1); };
    co_await latency(log, "queue get", queue.get(), trigger);
}

SCENARIO(the_other_party_of_a_barrier, 103) {
    Barrier barrier(2);
    std::vector<Task<>> tasks;
    auto arrives = [&]() -> Coro<> { co_await barrier.wait(); };
    const auto trigger = [&] { tasks.push_back(create_task(arrives())); };
    co_await latency(log, "barrier", barrier.wait(), trigger);
}

SCENARIO(uncontended_primitives_take_no_turn, 106) {
    Lock lock;
    Semaphore semaphore(1);
    Queue<int> queue;
    Event event;
    event.set();
    const Turns turns;
    co_await sleep(0s);
    const int before = turns.count;
    co_await lock.acquire();
    co_await semaphore.acquire();
    co_await queue.put(1);
    (void)co_await queue.get();
    co_await event.wait();
    log(turns.count - before);
    turns.stop();
}
