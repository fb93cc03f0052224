// How many turns pass between a trigger and the resumption of the one that waited for it.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

// Turns from `trigger` to the end of the task that runs `waiter`'s own code.
template <class A, class F>
Coro<> latency(Trace& log, const char* name, A waiter, F trigger) {
    Turns turns;
    int seen = 0;
    auto body = [&]() -> Coro<> {
        co_await std::move(waiter);
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

Coro<> nothing() { co_return; }
Coro<> waits(Future<> future) { co_await future; }

}  // namespace

SCENARIO(a_future_wakes_its_waiter_one_turn_later, 102) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    co_await latency(log, "future", future, trigger);
}

SCENARIO(a_task_adds_one_turn, 103) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    const auto task = create_task(waits(future));
    co_await latency(log, "task", task, trigger);
}

SCENARIO(gather_adds_one_turn, 103) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    co_await latency(log, "gather of futures", gather(future), trigger);
    const auto second = create_future<>();
    const auto second_trigger = [&] { second.set_result(); };
    co_await latency(log, "gather of a task", gather(waits(second)), second_trigger);
}

SCENARIO(awaiting_a_fresh_empty_task, 105) {
    Turns turns;
    co_await sleep(0s);
    int before = turns.count;
    co_await create_task(nothing());
    log("task", turns.count - before);
    before = turns.count;
    co_await gather(nothing());
    log("gather of one", turns.count - before);
    before = turns.count;
    co_await gather(nothing(), nothing(), nothing());
    log("gather of three", turns.count - before);
    turns.stop();
}

SCENARIO(what_takes_no_turn, 106) {
    const auto done = create_future<>();
    done.set_result();
    Turns turns;
    co_await sleep(0s);
    const int before = turns.count;
    co_await done;
    co_await nothing();
    co_await gather(done, done);
    co_await gather();
    log(turns.count - before);
    turns.stop();
}

SCENARIO(what_takes_no_turn_either, 106) {
    const auto done = create_future<>();
    done.set_result();
    auto empty = [](TaskGroup&) -> Coro<> { co_return; };
    Turns turns;
    co_await sleep(0s);
    const int before = turns.count;
    co_await shield(done);
    co_await wait_for(done, 1s);
    co_await timeout(1s, done);
    co_await task_group(empty);
    log(turns.count - before);
    turns.stop();
}

SCENARIO(wait_adds_one_turn, 103) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    const std::vector members{future};
    co_await latency(log, "wait", wait(members), trigger);
}

SCENARIO(shield_adds_one_turn, 103) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    co_await latency(log, "shield", shield(future), trigger);
}

SCENARIO(wait_for_adds_none, 103) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    co_await latency(log, "wait_for", wait_for(future, 1000s), trigger);
}

SCENARIO(as_completed_adds_one_turn, 103) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    auto first = [](Future<> member) -> Coro<> {
        const std::vector members{member};
        for (auto next : as_completed(members)) co_await next;
    };
    co_await latency(log, "as_completed", first(future), trigger);
}

SCENARIO(leaving_a_task_group_takes_three, 104) {
    const auto future = create_future<>();
    const auto trigger = [&] { future.set_result(); };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(waits(future));
        co_return;
    };
    co_await latency(log, "TaskGroup", task_group(body), trigger);
}

SCENARIO(a_task_group_with_one_empty_child, 105) {
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(nothing());
        co_return;
    };
    Turns turns;
    co_await sleep(0s);
    const int before = turns.count;
    co_await task_group(body);
    log(turns.count - before);
    turns.stop();
}

SCENARIO(wait_and_as_completed_of_what_is_done, 107) {
    const auto done = create_future<>();
    done.set_result();
    const std::vector members{done};
    Turns turns;
    co_await sleep(0s);
    int before = turns.count;
    co_await wait(members);
    log("wait", turns.count - before);
    before = turns.count;
    for (auto next : as_completed(members)) co_await next;
    log("as_completed", turns.count - before);
    turns.stop();
}
