// TaskGroup: children, failures, cancellation in both directions.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<std::string> after(Duration delay, std::string value) { co_return co_await sleep(delay, std::move(value)); }

Coro<> fails(Duration delay, const char* text) {
    co_await sleep(delay);
    throw ValueError(text);
}

// Sleeps; when it is cancelled, takes its time to clean up.
Coro<> clean_up(Trace& log, const char* name, Duration cleanup = 0s) {
    const auto got = co_await outcome(sleep(100s));
    if (got == "None") co_return;
    co_await sleep(cleanup);
    log.at(name, "cleaned up");
    throw CancelledError();
}

// Answers a cancellation with a failure.
template <class E>
Coro<> sour(E failure, Duration delay = 0s) {
    (void)co_await outcome(sleep(100s));
    if (delay > 0s) co_await sleep(delay);
    throw failure;
}

Coro<> exits(int code) {
    co_await sleep(1s);
    throw SystemExit(code);
}

}  // namespace

SCENARIO(it_waits_for_its_children, 183) {
    auto child = [&](int n) -> Coro<> {
        co_await sleep(n * 1s);
        log.at("child", n);
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        for (const int n : {2, 1, 3}) tg.create_task(child(n));
        log.at("end of the body");
        co_return;
    };
    co_await task_group(body);
    log.at("after the group");
}

SCENARIO(results_are_in_the_tasks, 183) {
    std::vector<Task<std::string>> tasks;
    auto body = [&](TaskGroup& tg) -> Coro<std::string> {
        tasks.push_back(tg.create_task(after(1s, "a")));
        tasks.push_back(tg.create_task(after(2s, "b")));
        co_return "the body's value";
    };
    const auto got = co_await task_group(body);
    log(got, std::vector<std::string>{tasks[0].result(), tasks[1].result()});
}

SCENARIO(children_may_start_siblings, 182, 183) {
    std::function<Coro<>(TaskGroup&, int)> child = [&](TaskGroup& tg, int n) -> Coro<> {
        log.at("child", n);
        co_await sleep(1s);
        if (n < 3) tg.create_task(child(tg, n + 1));
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(child(tg, 1));
        co_return;
    };
    co_await task_group(body);
    log.at("after the group");
}

SCENARIO(it_is_usable_once, 181) {
    TaskGroup group;
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(sleep(0s));
        co_return;
    };
    co_await group.run(body);
    try {
        co_await group.run(body);
    } catch (const RuntimeError&) {
        log("RuntimeError");
    }
}

SCENARIO(create_task_outside_the_block, 182) {
    auto child = [&]() -> Coro<> {
        log("never");
        co_return;
    };
    TaskGroup group;
    log(refused([&] { return group.create_task(child()); }));
    auto body = [](TaskGroup&) -> Coro<> { co_return; };
    co_await group.run(body);
    log(refused([&] { return group.create_task(child()); }));
}

SCENARIO(create_task_while_it_aborts, 182, 184) {
    auto child = [&]() -> Coro<> {
        log("never");
        co_return;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "first"));
        const auto got = co_await outcome(sleep(100s));
        log(got);
        log(refused([&] { return tg.create_task(child()); }));
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
}

SCENARIO(a_failing_child_cancels_the_others, 184, 187) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "a"));
        tg.create_task(fails(1s, "bad"));
        tg.create_task(clean_up(log, "b", 2s));
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(a_failing_child_interrupts_the_body, 184, 198) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "bad"));
        try {
            co_await sleep(100s);
        } catch (...) {
            log.at("body interrupted", current_task().cancelling());
            throw;
        }
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(a_cancelled_child_is_no_error, 185) {
    std::vector<Task<std::string>> tasks;
    auto body = [&](TaskGroup& tg) -> Coro<std::string> {
        tasks.push_back(tg.create_task(after(100s, "x")));
        tasks.push_back(tg.create_task(after(2s, "y")));
        co_await sleep(1s);
        tasks[0].cancel();
        co_return "value";
    };
    const auto got = co_await task_group(body);
    log(got, tasks[0].cancelled(), tasks[1].result());
    log.at("end");
}

SCENARIO(failures_during_the_abort_are_recorded, 186) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(sour(RuntimeError("slow"), 3s));
        tg.create_task(sour(RuntimeError("quick"), 1s));
        tg.create_task(fails(1s, "first"));
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end");
}

SCENARIO(the_bodys_own_failure_comes_last, 186) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(sour(RuntimeError("child")));
        co_await sleep(1s);
        throw ValueError("body");
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
}

SCENARIO(a_single_error_is_wrapped, 187) {
    auto body = [](TaskGroup&) -> Coro<> {
        throw ValueError("alone");
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
}

SCENARIO(two_children_fail_in_one_turn, 186, 187) {
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "a"));
        tg.create_task(fails(1s, "b"));
        tg.create_task(fails(2s, "too late: cancelled"));
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end");
}

SCENARIO(an_old_request_is_delivered_again_after_an_error, 188, 191) {
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "bad"));
        co_await sleep(100s);
    };
    auto inner = [&]() -> Coro<> {
        (void)co_await outcome(sleep(100s));
        const auto before = current_task().cancelling();
        const auto got = co_await outcome(task_group(body));
        log(got, before, current_task().cancelling());
    };
    const auto task = create_task(inner());
    co_await sleep(1s);
    task.cancel("old");
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(a_body_that_swallows_the_groups_cancel, 189) {
    auto body = [&](TaskGroup& tg) -> Coro<std::string> {
        tg.create_task(fails(1s, "bad"));
        const auto got = co_await outcome(sleep(100s));
        log(got);
        co_await sleep(1s);
        log.at("goes on");
        co_return "dropped";
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end");
}

SCENARIO(an_outside_cancel_in_the_body, 190) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "child", 1s));
        co_await sleep(100s);
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("outside");
    const auto got = co_await outcome(task);
    log(got, task.cancelled());
    log.at("end");
}

SCENARIO(an_outside_cancel_while_it_waits, 190) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "a"));
        tg.create_task(clean_up(log, "b", 2s));
        co_return;
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("outside");
    const auto got = co_await outcome(task);
    log(got, task.cancelled(), task.cancelling());
    log.at("end");
}

SCENARIO(an_outside_cancel_that_a_child_answers_with_a_failure, 190) {
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(sour(ValueError("sour")));
        co_await sleep(100s);
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("outside");
    const auto got = co_await outcome(task);
    log(got, task.cancelled(), task.cancelling());
}

SCENARIO(the_outside_request_is_delivered_again, 191) {
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(sour(ValueError("sour")));
        co_await sleep(100s);
    };
    auto caller = [&]() -> Coro<> {
        const auto got = co_await outcome(task_group(body));
        log(got, current_task().cancelling());
        const auto next = co_await outcome(sleep(1s));
        log("next suspension:", next);
        const auto then = co_await outcome(sleep(1s));
        log("and then:", then);
    };
    const auto task = create_task(caller());
    co_await sleep(1s);
    task.cancel("outside");
    co_await task;
    log.at("end", task.cancelling());
}

SCENARIO(more_outside_cancels_while_it_waits, 192) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "child", 5s));
        co_return;
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("one");
    co_await sleep(1s);
    task.cancel("two");
    co_await sleep(1s);
    log.at(task.done(), task.cancelling());
    const auto got = co_await outcome(task);
    log(got);
    log.at("end");
}

LOOP_SCENARIO(system_exit_of_the_body, 193) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "child", 1s));
        co_await sleep(1s);
        throw SystemExit(2);
    };
    const auto task = log.loop().create_task(task_group(body));
    log(attempt([&] { log.loop().run_until_complete(task); }));
    log.at("end", task.exception());
}

LOOP_SCENARIO(system_exit_of_a_child, 193) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "child", 1s));
        tg.create_task(exits(3));
        co_return;
    };
    const auto task = log.loop().create_task(task_group(body));
    const auto first = attempt([&] { log.loop().run_until_complete(task); });
    log("first out of the run", first, task.done());
    const auto second = attempt([&] { log.loop().run_until_complete(task); });
    log("then out of the group", second);
    log.at("end", task.done());
}

LOOP_SCENARIO(system_exit_drops_other_errors, 193) {
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "dropped"));
        tg.create_task(exits(4));
        co_return;
    };
    const auto task = log.loop().create_task(task_group(body));
    log(attempt([&] { log.loop().run_until_complete(task); }));
    log(attempt([&] { log.loop().run_until_complete(task); }));
}

SCENARIO(the_body_fails_before_the_children_start, 194) {
    auto child = [&]() -> Coro<> {
        log("never");
        co_return;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(child());
        tg.create_task(child());
        throw ValueError("body");
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
}

SCENARIO(nested_groups, 195) {
    auto inner = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "inner"));
        tg.create_task(fails(1s, "inner too"));
        co_return;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(task_group(inner), {.name = "inner group"});
        tg.create_task(fails(1s, "outer"));
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end");
}

SCENARIO(a_group_in_the_body_of_a_group, 195) {
    auto inner = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "inner"));
        co_await sleep(100s);
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(after(50s, "x"));
        co_await task_group(inner);
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(an_outer_child_fails_while_the_inner_group_waits, 195, 188) {
    auto inner = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "inner child"));
        co_return;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "outer child"));
        co_await task_group(inner);
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(an_empty_group_does_not_suspend, 196) {
    auto body = [](TaskGroup&) -> Coro<std::string> { co_return "value"; };
    log.loop().call_soon([&] { log("other work"); });
    const auto got = co_await task_group(body);
    log(got);
    co_await sleep(0s);
}

SCENARIO(a_group_whose_children_are_done_does_not_suspend, 196) {
    std::vector<Task<int>> tasks;
    auto child = []() -> Coro<int> { co_return 1; };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tasks.push_back(tg.create_task(child()));
        co_await pause(3);
        log.loop().call_soon([&] { log("other work"); });
    };
    co_await task_group(body);
    log("left", tasks[0].result());
    co_await sleep(0s);
}

SCENARIO(the_groups_cancel_does_not_leak, 92, 188) {
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(0s, "bad"));
        co_await sleep(100s);
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    const auto slept = co_await outcome(sleep(1s));
    log(slept, current_task().cancelling());
    log.at("end");
}

SCENARIO(names_of_children, 199) {
    auto child = [&]() -> Coro<> {
        log(current_task());
        co_return;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(child(), {.name = "a child's name"});
        co_return;
    };
    co_await task_group(body);
}

SCENARIO(a_child_fails_in_the_turn_of_an_outside_cancel, 200) {
    const auto future = create_future<>();
    auto body = [&](TaskGroup& tg) -> Coro<> {
        auto child = [](Future<> awaited) -> Coro<> { co_await awaited; };
        tg.create_task(child(future));
        co_await sleep(100s);
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    future.set_exception(ValueError("child"));
    task.cancel("outside");
    const auto got = co_await outcome(task);
    log(got, task.cancelling());
}

SCENARIO(an_outside_cancel_just_after_the_groups_own, 200) {
    auto body = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(fails(1s, "bad"));
        co_await sleep(100s);
    };
    auto caller = [&]() -> Coro<> {
        const auto got = co_await outcome(task_group(body));
        log(got, current_task().cancelling());
        const auto next = co_await outcome(sleep(1s));
        log("next suspension:", next);
    };
    const auto task = create_task(caller());
    co_await sleep(1s);
    co_await pause(2);
    log.loop().call_soon([&] { task.cancel("outside"); });
    co_await task;
}

SCENARIO(a_done_child_keeps_its_result_when_the_group_fails, 184) {
    Task<std::string> early;
    Task<> bad;
    Task<std::string> late;
    auto body = [&](TaskGroup& tg) -> Coro<> {
        early = tg.create_task(after(1s, "early"));
        bad = tg.create_task(fails(2s, "bad"));
        late = tg.create_task(after(3s, "late"));
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log(early.result(), bad.exception(), late.cancelled());
}

SCENARIO(a_child_cancelled_error_of_the_body_itself, 190, 185) {
    const auto other = create_task(after(100s, "x"));
    log.loop().call_later(1s, [&] { other.cancel("other"); });
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(clean_up(log, "child"));
        co_await other;
    };
    const auto got = co_await outcome(task_group(body));
    log(got, current_task().cancelling());
    log.at("end");
}

SCENARIO(an_eager_child_that_fails_in_create_task, 197) {
    auto bad = []() -> Coro<> {
        throw ValueError("eager");
        co_return;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        const auto task = tg.create_task(bad(), {.eager_start = true});
        log("body goes on", task.done());
        const auto got = co_await outcome(sleep(100s));
        log(got);
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
    log.at("end");
}

SCENARIO(an_eager_child_that_succeeds, 197) {
    auto good = [&]() -> Coro<int> {
        log("runs inside create_task");
        co_return 1;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        log(tg.create_task(good(), {.eager_start = true}).result());
        co_return;
    };
    co_await task_group(body);
    log("end");
}

SCENARIO(a_sibling_after_an_eager_failure, 197, 182) {
    auto bad = []() -> Coro<> {
        throw ValueError("eager");
        co_return;
    };
    auto sibling = [&]() -> Coro<> {
        log("sibling runs");
        co_return;
    };
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(bad(), {.eager_start = true});
        tg.create_task(sibling(), {.name = "sibling"});
        log("two children");
        co_return;
    };
    const auto got = co_await outcome(task_group(body));
    log(got);
}
