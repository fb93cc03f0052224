// Eager start: the first step runs inside create_task.
#include <algorithm>

#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

constexpr TaskOptions kEager{.eager_start = true};

Coro<int> give(int value) { co_return value; }
Coro<> raise(std::exception_ptr exception) {
    std::rethrow_exception(exception);
    co_return;
}

}  // namespace

SCENARIO(a_body_without_suspension_is_done_on_return, 211, 212) {
    auto body = [&]() -> Coro<int> {
        log("body");
        co_return 5;
    };
    Turns turns;
    const auto task = create_task(body(), kEager);
    log("returned", task.done(), task.result());
    const int got = co_await task;
    log(got, turns.count);
    turns.stop();
}

SCENARIO(current_task_during_the_eager_step, 211) {
    current_task().set_name("main");
    auto body = [&]() -> Coro<> {
        log("inside", current_task());
        co_await sleep(0s);
        log("later", current_task());
    };
    const auto task = create_task(body(), {.name = "eager", .eager_start = true});
    log("outside", current_task());
    co_await task;
}

SCENARIO(failures_are_stored_not_raised, 212) {
    auto task = create_task(raise(std::make_exception_ptr(ValueError("bad"))), kEager);
    auto got = co_await outcome(task);
    log(task.done(), task.cancelled(), got);
    task = create_task(raise(std::make_exception_ptr(CancelledError("by itself"))), kEager);
    got = co_await outcome(task);
    log(task.done(), task.cancelled(), got);
}

SCENARIO(at_its_first_suspension_it_is_an_ordinary_task, 213) {
    auto body = [&](int n) -> Coro<> {
        log("first step", n);
        co_await sleep(0s);
        log("second step", n);
    };
    std::vector<Task<>> tasks;
    for (int n = 0; n < 2; ++n) tasks.push_back(create_task(body(n), kEager));
    log("created", std::vector<bool>{tasks[0].done(), tasks[1].done()});
    co_await gather(tasks);
}

SCENARIO(the_second_step_is_in_the_next_turn, 213) {
    Turns turns;
    const auto future = create_future<>();
    auto body = [&]() -> Coro<> {
        co_await future;
        log("woken in turn", turns.count);
    };
    const auto task = create_task(body(), kEager);
    future.set_result();
    log("completed in turn", turns.count);
    co_await task;
    log("awaited in turn", turns.count);
    turns.stop();
}

LOOP_SCENARIO(without_a_running_loop_it_is_queued, 213) {
    auto body = [&]() -> Coro<> {
        log("body");
        co_return;
    };
    const auto task = log.loop().create_task(body(), kEager);
    log("not started", task.done());
    log.loop().run_until_complete(task);
}

SCENARIO(callbacks_of_a_done_eager_task_are_queued, 214) {
    const auto task = create_task(give(1), kEager);
    task.add_done_callback([&](const auto& t) { log("callback", t.result()); });
    log("registered");
    co_await sleep(0s);
    log("end");
}

SCENARIO(eager_and_queued_tasks, 211) {
    auto body = [&](const char* name) -> Coro<> {
        log(name);
        co_return;
    };
    const auto queued = create_task(body("queued"));
    const auto eager = create_task(body("eager"), kEager);
    log("created");
    co_await queued;
    co_await eager;
}

SCENARIO(eager_tasks_nest, 211) {
    std::function<Coro<>(int)> body = [&](int depth) -> Coro<> {
        log("enter", depth, current_task());
        if (depth < 2) {
            const std::string name = "depth " + std::to_string(depth + 1);
            (void)create_task(body(depth + 1), {.name = name, .eager_start = true});
        }
        log("leave", depth, current_task());
        co_return;
    };
    (void)create_task(body(0), {.name = "depth 0", .eager_start = true});
    log("back");
    co_return;
}

SCENARIO(cancelling_a_parked_eager_task, 213) {
    auto body = [&]() -> Coro<> {
        log("starts");
        const auto got = co_await outcome(sleep(10s));
        log(got);
        throw CancelledError();
    };
    const auto task = create_task(body(), kEager);
    const bool accepted = task.cancel("parked");
    log(accepted, task.cancelling());
    const auto got = co_await outcome(task);
    log(got, task.cancelled());
}

SCENARIO(cancelling_itself_in_the_eager_step, 211) {
    auto body = [&]() -> Coro<std::string> {
        current_task().cancel("self");
        const auto got = co_await outcome(sleep(0s));
        log(got);
        co_return "went on";
    };
    const auto task = create_task(body(), kEager);
    log(task.done(), task.cancelling());
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(cancelling_itself_and_returning_in_the_eager_step, 212) {
    auto body = []() -> Coro<std::string> {
        current_task().cancel("self");
        co_return "dropped";
    };
    const auto task = create_task(body(), kEager);
    log(task.done(), task.cancelled());
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(a_done_eager_task_in_gather, 212) {
    std::vector<Task<int>> tasks;
    for (int n = 0; n < 3; ++n) tasks.push_back(create_task(give(n), kEager));
    const auto gathered = gather(tasks);
    const bool done = gathered.done();
    const auto results = co_await gathered;
    log(done, results);
}

SCENARIO(all_tasks_during_and_after_the_eager_step, 211, 66) {
    current_task().set_name("main");
    const auto names = [] {
        std::vector<std::string> all;
        for (const AnyTask& task : all_tasks()) all.push_back(task.get_name());
        std::ranges::sort(all);
        return all;
    };
    auto body = [&]() -> Coro<> {
        log("inside", names());
        co_return;
    };
    (void)create_task(body(), {.name = "eager", .eager_start = true});
    log("after", names());
    co_return;
}
