// Events: set wakes all who wait.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<> waits(Trace& log, Event& event, std::string name) {
    const std::string how = co_await outcome(event.wait());
    log(name, how, event.is_set());
}

std::vector<Task<>> waiters(Trace& log, Event& event, const std::vector<std::string>& names) {
    std::vector<Task<>> tasks;
    for (const std::string& name : names) tasks.push_back(create_task(waits(log, event, name)));
    return tasks;
}

}  // namespace

SCENARIO(set_wakes_all_although_clear_follows, 226) {
    Event event;
    const auto tasks = waiters(log, event, {"a", "b", "c"});
    co_await pause(1);
    event.set();
    event.clear();
    log("cleared", event.is_set());
    const auto late = create_task(waits(log, event, "late"));
    co_await wait(tasks);
    co_await pause(3);
    log(late.done());
    event.set();
    co_await late;
}

SCENARIO(a_set_event_is_no_wait, 226) {
    Event event;
    event.set();
    event.set();
    const Turns turns;
    const bool set = co_await event.wait();
    log(set, turns.count);
    turns.stop();
}

SCENARIO(a_cancelled_waiter, 226) {
    Event event;
    const auto tasks = waiters(log, event, {"a", "b"});
    co_await pause(1);
    tasks[0].cancel("gone");
    co_await pause(2);
    event.set();
    tasks[1].cancel("late");
    co_await wait(tasks);
    log(event.is_set());
}

SCENARIO(a_timeout, 226) {
    Event event;
    const auto late = co_await outcome(wait_for(event.wait(), 1s));
    log(late);
    log.loop().call_later(1s, [&] { event.set(); });
    const auto got = co_await outcome(wait_for(event.wait(), 2s));
    log(got);
    log.at(event.is_set());
}
