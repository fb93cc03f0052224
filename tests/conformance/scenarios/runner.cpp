// run and Runner, on loops in real time: nothing here lets time pass.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

constexpr RunOptions kOneLoop{.loops = 1};

Coro<> nothing() { co_return; }
Coro<std::string> give(const char* value) { co_return value; }
Coro<> fails(const char* text) {
    co_await sleep(0s);
    throw ValueError(text);
}
Coro<> wait_for_ever() { co_await create_future<>(); }

}  // namespace

LOOP_SCENARIO(run_gives_the_value, 201) {
    auto main = []() -> Coro<int> {
        co_await sleep(0s);
        co_return 5;
    };
    log(run(main(), kOneLoop));
    log(run(main(), kOneLoop));
}

LOOP_SCENARIO(run_raises_what_main_failed_with, 204) {
    log(attempt([] { run(fails("main"), kOneLoop); }));
}

LOOP_SCENARIO(a_main_that_ends_cancelled, 205) {
    auto main = []() -> Coro<> {
        current_task().cancel("self");
        co_await sleep(0s);
    };
    log(attempt([&] { run(main(), kOneLoop); }));
}

LOOP_SCENARIO(run_inside_a_running_loop_is_refused, 201) {
    auto main = [&]() -> Coro<> {
        log(refused([] { run(nothing(), kOneLoop); }));
        co_return;
    };
    run(main(), kOneLoop);
}

LOOP_SCENARIO(leftover_tasks_are_cancelled, 202) {
    auto leftover = [&](const char* name, Future<> forever) -> Coro<> {
        try {
            co_await forever;
        } catch (...) {
            log(name, "unwinds");
            throw;
        }
    };
    auto main = [&]() -> Coro<std::size_t> {
        const auto forever = create_future<>();
        std::vector<Task<>> tasks;
        for (const char* name : {"a", "b"}) tasks.push_back(create_task(leftover(name, forever)));
        co_await sleep(0s);
        log("main ends");
        co_return tasks.size();
    };
    log(run(main(), kOneLoop));
}

LOOP_SCENARIO(a_leftover_that_swallows_is_waited_for, 202) {
    auto leftover = [&]() -> Coro<> {
        const auto got = co_await outcome(wait_for_ever());
        log(got);
        co_await pause(5);
        log("ends in its own time");
    };
    auto main = [&]() -> Coro<> {
        const auto task = create_task(leftover());
        co_await sleep(0s);
        log("main ends", task.done());
    };
    run(main(), kOneLoop);
}

LOOP_SCENARIO(a_failing_leftover_does_not_change_the_outcome, 202) {
    auto leftover = []() -> Coro<> {
        (void)co_await outcome(wait_for_ever());
        throw ValueError("leftover");
    };
    auto main = [&]() -> Coro<std::string> {
        (void)create_task(leftover());
        co_await sleep(0s);
        co_return "main's value";
    };
    log(run(main(), kOneLoop));
}

LOOP_SCENARIO(leftovers_are_cancelled_also_if_main_failed, 204) {
    auto leftover = [&]() -> Coro<> {
        const auto got = co_await outcome(wait_for_ever());
        log(got);
    };
    auto main = [&]() -> Coro<> {
        (void)create_task(leftover());
        co_await sleep(0s);
        throw ValueError("main");
    };
    log(attempt([&] { run(main(), kOneLoop); }));
}

LOOP_SCENARIO(a_task_made_in_the_last_step_still_starts, 202) {
    auto leftover = [&]() -> Coro<> {
        log("starts");
        const auto got = co_await outcome(wait_for_ever());
        log(got);
    };
    auto main = [&]() -> Coro<> {
        (void)create_task(leftover());
        log("main ends");
        co_return;
    };
    run(main(), kOneLoop);
}

LOOP_SCENARIO(a_runner_shares_one_loop, 206) {
    auto main = []() -> Coro<Loop*> { co_return &get_running_loop(); };
    Runner runner(kOneLoop);
    const Loop* first = runner.run(main());
    const Loop* second = runner.run(main());
    log(first == second, first == &runner.get_loop());
    runner.close();
    log(first->is_closed());
}

LOOP_SCENARIO(background_tasks_are_frozen_between_runs, 206) {
    auto background = [&]() -> Coro<> {
        for (int n = 0; n < 4; ++n) {
            log("background", n);
            co_await sleep(0s);
        }
    };
    auto start = [&]() -> Coro<Task<>> { co_return create_task(background()); };
    auto main = [&](int n) -> Coro<> {
        log("main", n);
        co_await sleep(0s);
    };
    Runner runner(kOneLoop);
    const Task<> task = runner.run(start());
    log("between");
    runner.run(main(1));
    log("between");
    runner.run(main(2));
    log(task.done());
}

LOOP_SCENARIO(a_closed_runner_refuses, 207) {
    auto main = []() -> Coro<int> { co_return 1; };
    Runner runner(kOneLoop);
    log(runner.run(main()));
    runner.close();
    runner.close();
    log(refused([&] { return runner.run(main()); }));
    log(refused([&] { (void)runner.get_loop(); }));
}

LOOP_SCENARIO(closing_a_runner_that_never_ran, 207) {
    Runner runner(kOneLoop);
    runner.close();
    log("closed");
}

LOOP_SCENARIO(a_runner_goes_on_after_a_failure, 204, 206) {
    Runner runner(kOneLoop);
    log(attempt([&] { runner.run(fails("bad")); }));
    log(runner.run(give("good")));
}

LOOP_SCENARIO(closing_a_runner_cancels_what_is_left, 202, 206) {
    auto leftover = [&]() -> Coro<> {
        try {
            co_await wait_for_ever();
        } catch (...) {
            log("leftover unwinds");
            throw;
        }
    };
    auto start = [&]() -> Coro<Task<>> {
        const auto task = create_task(leftover());
        co_await sleep(0s);
        co_return task;
    };
    Runner runner(kOneLoop);
    const Task<> task = runner.run(start());
    log("before close", task.done());
    runner.close();
    log("after close", task.cancelled());
}
