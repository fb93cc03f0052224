// Futures: states, callbacks, awaiting.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

SCENARIO(three_states, 31, 36) {
    auto future = create_future<int>();
    log("pending", state(future));
    future.set_result(1);
    log("finished", state(future));
    future = create_future<int>();
    future.set_exception(ValueError("x"));
    log("failed", state(future), future.exception());
    future = create_future<int>();
    future.cancel();
    log("cancelled", state(future));
    co_return;
}

SCENARIO(a_future_changes_only_once, 32) {
    const auto done = create_future<int>();
    done.set_result(1);
    log(attempt([&] { done.set_result(2); }));
    log(attempt([&] { done.set_exception(ValueError("late")); }));
    const bool accepted = done.cancel();
    log(accepted, state(done), done.result());
    const auto cancelled = create_future<int>();
    const bool first = cancelled.cancel();
    const bool second = cancelled.cancel();
    log(first, second);
    log(attempt([&] { cancelled.set_result(2); }), attempt([&] { cancelled.set_exception(ValueError("late")); }),
        state(cancelled));
    co_return;
}

SCENARIO(cancelling_a_future_is_immediate, 33) {
    const auto future = create_future<int>();
    future.add_done_callback([&](const auto& f) { log("callback", state(f)); });
    const bool accepted = future.cancel("why");
    log(accepted, state(future));
    co_await sleep(0s);
    log(attempt([&] { return future.result(); }));
}

SCENARIO(result_and_exception, 34, 35) {
    const auto pending = create_future<int>();
    const auto value = create_future<int>();
    const auto failed = create_future<int>();
    const auto cancelled = create_future<int>();
    value.set_result(5);
    failed.set_exception(ValueError("bad"));
    cancelled.cancel("gone");
    for (const auto& future : {pending, value, failed, cancelled}) {
        log(attempt([&] { return future.result(); }), "|", attempt([&] { return future.exception(); }));
    }
    co_return;
}

SCENARIO(the_message_of_a_cancelled_future_stays, 34) {
    const auto future = create_future<int>();
    future.cancel("first");
    future.cancel("second");
    log(attempt([&] { return future.result(); }));
    log(attempt([&] { return future.result(); }));
    const std::string got = co_await outcome(future);
    log(got);
}

SCENARIO(a_cancelled_error_set_as_exception_is_a_failure, 36, 37) {
    const auto future = create_future<int>();
    future.set_exception(CancelledError("as a failure"));
    log(state(future));
    const std::string got = co_await outcome(future);
    log(got);
    log(attempt([&] { return future.result(); }));
    log("still", state(future), future.exception());
}

SCENARIO(callbacks_run_in_order_never_inline, 38) {
    const auto future = create_future<std::string>();
    for (int n = 0; n < 3; ++n) {
        future.add_done_callback([&log, n](const auto& f) { log("callback", n, f.result()); });
    }
    log.loop().call_soon([&] { log("queued before the completion"); });
    future.set_result("r");
    log.loop().call_soon([&] { log("queued after the completion"); });
    log("completed");
    co_await sleep(0s);
}

SCENARIO(a_callback_for_a_done_future_is_queued_at_once, 39) {
    const auto future = create_future<int>();
    future.set_result(1);
    log.loop().call_soon([&] { log("already there"); });
    future.add_done_callback([&](const auto&) { log("callback"); });
    log.loop().call_soon([&] { log("behind it"); });
    log("registered");
    co_await sleep(0s);
}

SCENARIO(one_callable_registered_three_times, 40) {
    const auto future = create_future<int>();
    const auto callback = [&](const Future<int>& f) { log("called", f.result()); };
    for (int n = 0; n < 3; ++n) future.add_done_callback(callback);
    future.set_result(1);
    co_await sleep(0s);
}

SCENARIO(a_removed_callback_does_not_run, 41) {
    const auto future = create_future<int>();
    future.add_done_callback([&](const auto&) { log("first"); });
    const CallbackId removed = future.add_done_callback([&](const auto&) { log("removed"); });
    future.add_done_callback([&](const auto&) { log("last"); });
    const auto first = future.remove_done_callback(removed);
    const auto second = future.remove_done_callback(removed);
    log(first, second);
    future.set_result(1);
    co_await sleep(0s);
}

SCENARIO(after_completion_there_is_nothing_to_remove, 41) {
    const auto future = create_future<int>();
    const CallbackId callback = future.add_done_callback([&](const auto&) { log("runs all the same"); });
    future.set_result(1);
    log(future.remove_done_callback(callback));
    co_await sleep(0s);
    log(future.remove_done_callback(callback));
}

SCENARIO(a_callback_registered_by_a_callback_runs_a_turn_later, 42) {
    Turns turns;
    const auto future = create_future<int>();
    future.add_done_callback([&](const auto& f) {
        log("first in turn", turns.count);
        f.add_done_callback([&](const auto&) { log("registered by the first, in turn", turns.count); });
    });
    future.add_done_callback([&](const auto&) { log("second in turn", turns.count); });
    future.set_result(1);
    co_await pause(3);
    turns.stop();
}

SCENARIO(one_callback_cannot_stop_another_after_completion, 43) {
    const auto future = create_future<int>();
    CallbackId second;
    future.add_done_callback([&](const auto& f) { log("removed", f.remove_done_callback(second)); });
    second = future.add_done_callback([&](const auto&) { log("second"); });
    future.set_result(1);
    co_await sleep(0s);
}

SCENARIO(awaiting_a_done_future_does_not_suspend, 45) {
    const auto future = create_future<std::string>();
    future.set_result("value");
    log.loop().call_soon([&] { log("other work"); });
    const auto first = co_await future;
    const auto second = co_await future;
    log(first, second);
    const auto failed = create_future<int>();
    failed.set_exception(ValueError("bad"));
    const std::string got = co_await outcome(failed);
    log(got);
    log("no other work yet");
    co_await sleep(0s);
}

SCENARIO(waiters_wake_in_the_order_of_their_awaits, 46) {
    const auto future = create_future<int>();
    auto waiter = [&](const char* name) -> Coro<> {
        const int got = co_await future;
        log(name, "got", got);
    };
    std::vector<Task<>> tasks{create_task(waiter("a")), create_task(waiter("b"))};
    co_await sleep(0s);
    future.add_done_callback([&](const auto&) { log("callback between"); });
    tasks.push_back(create_task(waiter("c")));
    co_await sleep(0s);
    future.add_done_callback([&](const auto&) { log("callback behind"); });
    future.set_result(1);
    co_await gather(tasks);
}

SCENARIO(all_waiters_get_the_same_exception, 46) {
    const auto future = create_future<int>();
    std::vector<std::exception_ptr> seen;
    auto waiter = [&]() -> Coro<> {
        try {
            (void)co_await future;
        } catch (const ValueError&) {
            seen.push_back(std::current_exception());
        }
    };
    std::vector<Task<>> tasks;
    for (int n = 0; n < 3; ++n) tasks.push_back(create_task(waiter()));
    co_await sleep(0s);
    const auto failure = std::make_exception_ptr(ValueError("shared"));
    future.set_exception(failure);
    co_await gather(tasks);
    std::vector<bool> same;
    for (const auto& error : seen) same.push_back(error == failure);
    log(seen, same);
}

SCENARIO(cancelling_one_waiter_cancels_the_future_for_all, 47) {
    const auto future = create_future<int>();
    auto waiter = [&](const char* name) -> Coro<> {
        const std::string got = co_await outcome(future);
        log(name, got);
    };
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) tasks.push_back(create_task(waiter(name)));
    co_await sleep(0s);
    const bool accepted = tasks[1].cancel("from b");
    log(accepted, state(future));
    co_await gather(tasks);
    std::vector<std::ptrdiff_t> counts;
    for (const auto& task : tasks) counts.push_back(task.cancelling());
    log(counts);
}

SCENARIO(a_callback_sees_the_done_future_before_the_waiter_runs, 38, 46) {
    const auto future = create_future<int>();
    auto waiter = [&]() -> Coro<> {
        const int got = co_await future;
        log("waiter", got);
    };
    future.add_done_callback([&](const auto& f) { log("callback", f.result()); });
    const auto task = create_task(waiter());
    co_await sleep(0s);
    future.set_result(3);
    log("set");
    co_await task;
}

SCENARIO(a_future_completed_by_a_timer, 39, 45) {
    const auto future = create_future<std::string>();
    log.loop().call_later(2s, [&] { future.set_result("from the timer"); });
    const auto got = co_await future;
    log.at(got);
}

SCENARIO(two_timers_race_for_one_future, 32) {
    const auto future = create_future<std::string>();
    log.loop().call_later(1s, [&] { future.set_result("first"); });
    log.loop().call_later(2s, [&] { log(refused([&] { future.set_result("second"); })); });
    const auto got = co_await future;
    log.at(got);
    co_await sleep(2s);
    log.at(future.result());
}

SCENARIO(get_loop_is_the_loop_of_creation, 50) {
    const auto future = create_future<int>();
    log(&future.get_loop() == &log.loop());
    const auto task = create_task(sleep(0s));
    log(&task.get_loop() == &log.loop());
    co_await task;
}

SCENARIO(a_callback_may_complete_another_future, 44) {
    std::vector<Future<int>> futures;
    for (int n = 0; n < 4; ++n) futures.push_back(create_future<int>());
    Turns turns;
    for (std::size_t n = 0; n < 3; ++n) {
        futures[n].add_done_callback([&, n](const auto& f) { futures[n + 1].set_result(f.result() + 1); });
    }
    futures[0].set_result(10);
    const int got = co_await futures.back();
    log(got, "in turn", turns.count);
    turns.stop();
}
