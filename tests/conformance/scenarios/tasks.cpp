// Tasks: starting, stepping, outcomes, names.
#include <algorithm>

#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<> nothing() { co_return; }
Coro<int> give(int value) { co_return value; }
Coro<> raise(std::exception_ptr exception) {
    std::rethrow_exception(exception);
    co_return;
}

std::vector<std::string> all_names() {
    std::vector<std::string> names;
    for (const AnyTask& task : all_tasks()) names.push_back(task.get_name());
    std::ranges::sort(names);
    return names;
}

}  // namespace

SCENARIO(the_body_never_starts_inside_create_task, 54) {
    auto body = [&](int n) -> Coro<> {
        log("body", n);
        co_return;
    };
    std::vector<Task<>> tasks;
    for (int n = 0; n < 3; ++n) tasks.push_back(create_task(body(n)));
    log("created");
    co_await gather(tasks);
}

SCENARIO(tasks_made_by_a_task_start_behind_what_is_ready, 54) {
    auto child = [&]() -> Coro<> {
        log("child");
        co_return;
    };
    auto parent = [&]() -> Coro<Task<>> {
        log("parent");
        co_return create_task(child());
    };
    const auto parent_task = create_task(parent());
    log.loop().call_soon([&] { log("callback behind the parent"); });
    const Task<> child_task = co_await parent_task;
    co_await child_task;
}

SCENARIO(a_step_is_not_interrupted, 56) {
    std::vector<std::string> shared;
    auto writer = [&](std::string name) -> Coro<> {
        for (int n = 0; n < 2; ++n) {
            shared.push_back(name + "1");
            shared.push_back(name + "2");
            co_await sleep(0s);
        }
    };
    co_await gather(writer("a"), writer("b"));
    log(shared);
}

SCENARIO(the_outcomes_of_a_task, 57) {
    const auto value = create_task(give(1));
    std::string got = co_await outcome(value);
    log(got, value.done(), value.cancelled(), value.cancelling());
    const auto failed = std::make_exception_ptr(ValueError("bad"));
    const auto cancelled = std::make_exception_ptr(CancelledError("by itself"));
    for (const auto& exception : {failed, cancelled}) {
        const auto task = create_task(raise(exception));
        got = co_await outcome(task);
        log(got, task.done(), task.cancelled(), task.cancelling());
    }
}

LOOP_SCENARIO(system_exit_of_a_task_leaves_the_run, 57) {
    auto other = [&]() -> Coro<> {
        log("other task");
        co_return;
    };
    const auto task = log.loop().create_task(raise(std::make_exception_ptr(SystemExit(5))));
    const auto second = log.loop().create_task(other());
    log(attempt([&] { log.loop().run_forever(); }));
    log("stored too", task.done(), task.exception(), second.done());
    log.loop().run_until_complete(second);
}

SCENARIO(done_callbacks_run_a_turn_after_the_end, 58, 59) {
    Turns turns;
    auto body = [&]() -> Coro<> {
        log("body ends in turn", turns.count);
        co_return;
    };
    const auto task = create_task(body());
    task.add_done_callback([&](const auto& t) { log("callback in turn", turns.count, "done", t.done()); });
    co_await task;
    log("awaiter in turn", turns.count);
    turns.stop();
}

SCENARIO(callbacks_of_a_task_and_its_awaiters_keep_their_order, 58) {
    auto body = []() -> Coro<std::string> {
        co_await sleep(0s);
        co_return "r";
    };
    const auto task = create_task(body());
    auto awaiter = [&](const char* name) -> Coro<> {
        const auto got = co_await task;
        log(name, got);
    };
    task.add_done_callback([&](const auto&) { log("callback 1"); });
    const auto a = create_task(awaiter("awaiter"));
    co_await sleep(0s);
    task.add_done_callback([&](const auto&) { log("callback 2"); });
    co_await a;
}

SCENARIO(the_completer_goes_on_before_the_waiter, 59) {
    const auto future = create_future<int>();
    auto waiter = [&]() -> Coro<> {
        const int got = co_await future;
        log("waiter", got);
    };
    auto completer = [&]() -> Coro<> {
        future.set_result(1);
        log("completer after set_result");
        co_await sleep(0s);
        log("completer a turn later");
    };
    co_await gather(waiter(), completer());
}

SCENARIO(a_task_cannot_be_completed_from_outside, 61) {
    const auto task = create_task(sleep(1s, "its own"));
    const Future<const char*> as_future = task;
    log(refused([&] { as_future.set_result("x"); }));
    log(refused([&] { as_future.set_exception(ValueError("x")); }));
    const auto got = co_await task;
    log(got);
}

SCENARIO(a_task_cannot_await_itself, 62) {
    Task<std::string> task;
    auto body = [&]() -> Coro<std::string> {
        try {
            co_return co_await task;
        } catch (const RuntimeError&) {
            co_return "RuntimeError";
        }
    };
    task = create_task(body());
    const auto got = co_await task;
    log(got);
}

SCENARIO(sleep_zero_takes_exactly_one_turn, 63) {
    Turns turns;
    for (int n = 0; n < 3; ++n) {
        const int before = turns.count;
        co_await sleep(0s);
        log(turns.count - before);
    }
    const int before = turns.count;
    co_await sleep(-1s);
    log(turns.count - before);
    turns.stop();
}

SCENARIO(sleep_returns_its_value, 64) {
    const auto first = co_await sleep(1s, "value");
    const auto second = co_await sleep(0s, 7);
    log(first, second);
    log.at("end");
}

SCENARIO(current_task_is_the_one_that_steps, 65) {
    auto body = [&]() -> Coro<> {
        log(current_task());
        co_await sleep(0s);
        log(current_task());
    };
    current_task().set_name("main");
    const auto task = create_task(body(), {.name = "child"});
    log(current_task());
    log.loop().call_soon([&] { log("in a callback", !current_task()); });
    co_await task;
    log(current_task(), current_task() != AnyTask(task));
}

SCENARIO(all_tasks_are_those_not_done, 66) {
    current_task().set_name("main");
    const auto a = create_task(sleep(0s), {.name = "a"});
    const auto b = create_task(sleep(0s), {.name = "b"});
    log("never started ones too", all_names());
    co_await a;
    log(all_names());
    co_await b;
    log(all_names());
}

SCENARIO(a_task_that_is_cancelled_before_its_start_counts_until_it_is_done, 66) {
    current_task().set_name("main");
    const auto task = create_task(nothing(), {.name = "t"});
    task.cancel();
    log(all_names());
    (void)co_await outcome(task);
    log(all_names());
}

SCENARIO(names, 70) {
    auto body = []() -> Coro<std::string> { co_return current_task().get_name(); };
    const auto task = create_task(body(), {.name = "given"});
    log(task.get_name());
    task.set_name("changed");
    const auto got = co_await task;
    log(task.get_name(), got);
    task.set_name("after the end");
    log(task.get_name());
}

SCENARIO(default_names_count_upwards, 70) {
    const auto first = create_task(nothing());
    const auto second = create_task(nothing());
    const auto third = create_task(nothing());
    const auto number = [](const Task<>& task) { return std::stoi(task.get_name().substr(5)); };
    log(number(second) - number(first), number(third) - number(second));
    co_await gather(first, second, third);
}

SCENARIO(a_task_may_be_awaited_many_times, 72) {
    const auto task = create_task(give(4));
    const int a = co_await task;
    const int b = co_await task;
    const int c = co_await task;
    log(a, b, c);
}

SCENARIO(a_coroutine_may_be_awaited_once, 72) {
    auto coro = give(4);
    const int got = co_await coro;
    log(got);
    try {
        (void)co_await coro;
    } catch (const InvalidStateError&) {  // Python: RuntimeError
        log("refused");
    }
}

SCENARIO(awaiting_a_coroutine_costs_no_turn, 56, 59) {
    Turns turns;
    std::function<Coro<int>(int)> deep = [&](int n) -> Coro<int> {
        if (n == 0) co_return 0;
        const int rest = co_await deep(n - 1);
        co_return 1 + rest;
    };
    co_await sleep(0s);
    const int before = turns.count;
    const int got = co_await deep(50);
    log(got, turns.count - before);
    turns.stop();
}

SCENARIO(the_wake_up_brings_the_outcome_of_that_moment, 60) {
    const auto future = create_future<int>();
    auto waiter = [&]() -> Coro<int> { co_return co_await future; };
    const auto task = create_task(waiter());
    co_await sleep(0s);
    future.set_exception(ValueError("at the wake-up"));
    log("done at once", future.done(), task.done());
    const std::string got = co_await outcome(task);
    log(got);
}

SCENARIO(a_failed_task_raises_for_every_awaiter, 57, 72) {
    const auto task = create_task(raise(std::make_exception_ptr(ValueError("same"))));
    const std::string first = co_await outcome(task);
    const std::string second = co_await outcome(task);
    log(first);
    log(second);
    log(task.exception());
}

SCENARIO(a_chain_of_tasks_ends_one_turn_after_the_other, 58) {
    Turns turns;
    std::function<Coro<>(int)> link = [&](int n) -> Coro<> {
        if (n != 0) co_await create_task(link(n - 1));
        log("link", n, "ends in turn", turns.count);
    };
    co_await link(3);
    turns.stop();
}

SCENARIO(ping_pong, 59, 63) {
    using Futures = std::vector<Future<>>;
    auto player = [&](const char* name, Futures own, Futures other) -> Coro<> {
        for (std::size_t n = 0; n < 3; ++n) {
            co_await own[n];
            log(name, n);
            other[n].set_result();
        }
    };
    Futures pings;
    Futures pongs;
    for (int n = 0; n < 4; ++n) {
        pings.push_back(create_future<>());
        pongs.push_back(create_future<>());
    }
    log.loop().call_soon([&] { pings[0].set_result(); });
    const Futures pongs_into_pings(pings.begin() + 1, pings.end());
    co_await gather(player("ping", pings, pongs), player("pong", pongs, pongs_into_pings));
}
