// Cancelling tasks: when it is delivered, what it interrupts, how it is counted.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<> nothing() { co_return; }

// How awaiting this future ends, for a task's whole body.
template <class T>
Coro<std::string> ending_of(Future<T> future) {
    co_return co_await outcome(future);
}

}  // namespace

SCENARIO(cancelling_a_done_task_does_nothing, 73) {
    auto body = []() -> Coro<int> { co_return 1; };
    const auto task = create_task(body());
    co_await task;
    const bool accepted = task.cancel();
    log(accepted, task.cancelling(), task.cancelled(), task.result());
}

SCENARIO(cancel_is_a_request, 73) {
    const auto task = create_task(sleep(10s));
    co_await sleep(0s);
    const bool accepted = task.cancel();
    log(accepted, task.cancelling(), task.done(), task.cancelled());
    (void)co_await outcome(task);
    log.at(task.done(), task.cancelled(), task.cancelling());
}

SCENARIO(cancelled_before_the_first_step, 76) {
    Turns turns;
    auto body = [&]() -> Coro<> {
        log("never entered");
        co_return;
    };
    const auto task = create_task(body());
    task.add_done_callback([&](const auto&) { log("callback in turn", turns.count); });
    log(task.cancel("early"));
    const auto got = co_await outcome(task);
    log(got, "in turn", turns.count);
    turns.stop();
}

SCENARIO(cancelled_while_it_waits_on_a_future, 77) {
    Turns turns;
    const auto future = create_future<>();
    auto body = [&]() -> Coro<> {
        const auto got = co_await outcome(future);
        log("body", got, "in turn", turns.count);
    };
    const auto task = create_task(body());
    co_await sleep(0s);
    const int before = turns.count;
    task.cancel("m");
    log("future cancelled at once", future.cancelled(), "in turn", before);
    co_await task;
    turns.stop();
}

SCENARIO(a_cancel_after_the_completion_wins, 78) {
    const auto future = create_future<std::string>();
    auto body = [&]() -> Coro<std::string> { co_return co_await future; };
    const auto task = create_task(body());
    co_await sleep(0s);
    future.set_result("lost to the task");
    log(task.cancel());
    const auto got = co_await outcome(task);
    log(got);
    log(future.result());
}

SCENARIO(a_cancel_wins_over_a_failure_too, 79) {
    const auto future = create_future<int>();
    const auto task = create_task(ending_of(future));
    co_await sleep(0s);
    future.set_exception(ValueError("in the future"));
    task.cancel("wins");
    const auto got = co_await task;
    log(got);
    log(future.exception());
}

SCENARIO(a_done_callback_cancels_the_waiting_task, 78, 101) {
    const auto future = create_future<std::string>();
    Task<std::string> task;
    future.add_done_callback([&](const auto&) { log("callback cancels", task.cancel()); });
    task = create_task(ending_of(future));
    co_await sleep(0s);
    future.set_result("lost");
    const auto got = co_await task;
    log(got);
}

SCENARIO(a_callback_behind_the_waiter_comes_too_late, 101) {
    const auto future = create_future<std::string>();
    const auto task = create_task(ending_of(future));
    co_await sleep(0s);
    future.add_done_callback([&](const auto&) { log("callback cancels", task.cancel()); });
    future.set_result("not lost");
    const auto got = co_await task;
    log(got);
}

SCENARIO(a_cancel_goes_down_the_chain_and_comes_up_again, 80) {
    Task<> inner_task;
    Task<> middle_task;
    auto inner = [&]() -> Coro<> {
        try {
            co_await sleep(100s);
        } catch (...) {
            log.at("inner unwinds");
            throw;
        }
    };
    auto middle = [&]() -> Coro<> {
        try {
            co_await inner_task;
        } catch (...) {
            log.at("middle unwinds", inner_task.cancelled());
            throw;
        }
    };
    auto outer = [&]() -> Coro<> {
        try {
            co_await middle_task;
        } catch (...) {
            log.at("outer unwinds", middle_task.cancelled());
            throw;
        }
    };
    inner_task = create_task(inner());
    middle_task = create_task(middle());
    const auto outer_task = create_task(outer());
    const auto counts = [&] {
        return std::vector{inner_task.cancelling(), middle_task.cancelling(), outer_task.cancelling()};
    };
    co_await sleep(1s);
    outer_task.cancel("top");
    log(counts());
    const auto got = co_await outcome(outer_task);
    log(got);
    log(counts());
}

SCENARIO(the_outer_waits_for_the_cleanup_of_the_inner, 80, 88) {
    auto inner = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log("inner", got);
        co_await sleep(5s);
        log.at("inner has cleaned up");
        throw CancelledError();
    };
    const auto inner_task = create_task(inner());
    auto outer = [&]() -> Coro<> {
        const auto got = co_await outcome(inner_task);
        log("outer", got);
        log.at("outer");
    };
    const auto outer_task = create_task(outer());
    co_await sleep(1s);
    outer_task.cancel();
    co_await outer_task;
}

SCENARIO(an_inner_task_that_swallows, 81) {
    auto inner = []() -> Coro<std::string> {
        (void)co_await outcome(sleep(100s));
        co_return "swallowed";
    };
    const auto inner_task = create_task(inner());
    auto outer = [&]() -> Coro<std::string> {
        const auto value = co_await inner_task;
        log("outer got", value, current_task().cancelling());
        co_return value;
    };
    const auto outer_task = create_task(outer());
    co_await sleep(1s);
    outer_task.cancel();
    const auto got = co_await outcome(outer_task);
    log(got, outer_task.cancelled(), inner_task.cancelling(), outer_task.cancelling());
}

SCENARIO(an_inner_task_that_turns_the_cancel_into_a_failure, 82) {
    auto inner = []() -> Coro<> {
        (void)co_await outcome(sleep(100s));
        throw ValueError("instead");
    };
    const auto inner_task = create_task(inner());
    auto outer = [&]() -> Coro<> { co_await inner_task; };
    const auto outer_task = create_task(outer());
    co_await sleep(1s);
    outer_task.cancel();
    const auto got = co_await outcome(outer_task);
    log(got, outer_task.cancelled());
}

SCENARIO(a_future_in_the_chain_has_no_count, 83) {
    const auto future = create_future<>();
    auto inner = [&]() -> Coro<> { co_await future; };
    const auto inner_task = create_task(inner());
    auto outer = [&]() -> Coro<> { co_await inner_task; };
    const auto outer_task = create_task(outer());
    co_await sleep(0s);
    co_await sleep(0s);
    outer_task.cancel("x");
    log(future.cancelled(), inner_task.cancelling(), outer_task.cancelling());
    const auto got = co_await outcome(outer_task);
    log(got, inner_task.cancelled());
}

SCENARIO(it_cancels_itself_and_returns, 84) {
    auto body = [&]() -> Coro<std::string> {
        log(current_task().cancel("self"));
        co_return "dropped";
    };
    const auto task = create_task(body());
    const auto got = co_await outcome(task);
    log(got, task.cancelled());
}

SCENARIO(it_cancels_itself_and_raises, 85) {
    auto body = []() -> Coro<> {
        current_task().cancel();
        throw ValueError("wins");
        co_return;
    };
    const auto task = create_task(body());
    const auto got = co_await outcome(task);
    log(got, task.cancelled(), task.cancelling());
}

SCENARIO(it_cancels_itself_and_awaits_a_future, 86) {
    const auto done = create_future<std::string>();
    const auto pending = create_future<>();
    done.set_result("no suspension");
    auto body = [&]() -> Coro<> {
        current_task().cancel("self");
        const auto first = co_await outcome(done);
        log(first);
        const auto second = co_await outcome(pending);
        log(second);
        log("pending cancelled", pending.cancelled());
    };
    co_await create_task(body());
}

SCENARIO(it_cancels_itself_and_sleeps_zero, 86) {
    Turns turns;
    auto body = [&]() -> Coro<> {
        current_task().cancel("self");
        const int before = turns.count;
        const auto first = co_await outcome(sleep(0s));
        log(first, "after turns:", turns.count - before);
        const auto second = co_await outcome(sleep(0s));
        log(second);
    };
    co_await create_task(body());
    turns.stop();
}

SCENARIO(it_cancels_itself_and_awaits_a_task, 86) {
    auto child = [&]() -> Coro<> {
        log("child starts");
        co_await sleep(10s);
    };
    auto body = [&]() -> Coro<> {
        const auto child_task = create_task(child());
        current_task().cancel("self");
        const auto got = co_await outcome(child_task);
        log(got);
        log("child", child_task.cancelled(), child_task.cancelling());
    };
    co_await create_task(body());
}

SCENARIO(two_cancels_before_the_delivery, 87) {
    auto body = [&]() -> Coro<std::ptrdiff_t> {
        const auto first = co_await outcome(sleep(10s));
        log(first);
        const auto second = co_await outcome(sleep(1s));
        log(second);
        co_return current_task().cancelling();
    };
    const auto task = create_task(body());
    co_await sleep(0s);
    const bool first = task.cancel("first");
    const bool second = task.cancel("second");
    log(first, second);
    const auto count = co_await task;
    log("count", count);
}

SCENARIO(a_second_cancel_interrupts_the_cleanup, 88) {
    auto body = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log("body", got);
        const auto cleanup = co_await outcome(sleep(100s));
        log("cleanup", cleanup);
        log.at("cleaned up");
    };
    const auto task = create_task(body());
    co_await sleep(1s);
    task.cancel("one");
    co_await sleep(1s);
    task.cancel("two");
    co_await task;
    log.at("count", task.cancelling());
}

SCENARIO(a_swallowed_cancel_is_not_redelivered, 89, 91) {
    auto body = [&]() -> Coro<std::ptrdiff_t> {
        const auto swallowed = co_await outcome(sleep(100s));
        log(swallowed);
        const auto first = co_await outcome(sleep(1s));
        const auto second = co_await outcome(sleep(0s));
        log(first, second);
        co_return current_task().cancelling();
    };
    const auto task = create_task(body());
    co_await sleep(0s);
    task.cancel();
    const auto count = co_await task;
    log(count, task.cancelled(), task.cancelling());
}

SCENARIO(uncancel_counts_down_to_zero, 90) {
    auto body = [&]() -> Coro<> {
        (void)co_await outcome(sleep(100s));
        const AnyTask task = current_task();
        const auto before = task.cancelling();
        const auto one = task.uncancel();
        const auto two = task.uncancel();
        const auto three = task.uncancel();
        log(before, one, two, three, task.cancelling());
    };
    const auto task = create_task(body());
    co_await sleep(0s);
    task.cancel();
    task.cancel();
    co_await task;
}

SCENARIO(uncancel_withdraws_an_undelivered_request, 90) {
    auto body = [&]() -> Coro<std::string> {
        const AnyTask task = current_task();
        task.cancel("withdrawn");
        log(task.uncancel());
        const auto got = co_await outcome(sleep(1s));
        log(got);
        co_return "not cancelled";
    };
    const auto task = create_task(body());
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(uncancel_before_the_first_step, 90) {
    auto body = []() -> Coro<std::string> { co_return "entered"; };
    const auto task = create_task(body());
    task.cancel();
    log(task.uncancel());
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(one_uncancel_of_two_withdraws_nothing, 90) {
    auto body = [&]() -> Coro<> {
        const AnyTask task = current_task();
        task.cancel("one");
        task.cancel("two");
        log(task.uncancel());
        const auto got = co_await outcome(sleep(1s));
        log(got);
    };
    co_await create_task(body());
}

SCENARIO(the_last_message_before_the_delivery_wins, 93) {
    const auto task = create_task(nothing());
    task.cancel("one");
    task.cancel("two");
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(a_forwarded_cancel_carries_its_message, 93) {
    auto inner = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log("inner", got);
        throw CancelledError("changed");
    };
    const auto inner_task = create_task(inner());
    auto outer = [&]() -> Coro<> { co_await inner_task; };
    const auto outer_task = create_task(outer());
    co_await sleep(1s);
    outer_task.cancel("original");
    const auto got = co_await outcome(outer_task);
    log("outer", got);
}

SCENARIO(the_first_reader_gets_the_message, 94) {
    const auto task = create_task(sleep(10s));
    co_await sleep(0s);
    task.cancel("told once");
    const auto first = co_await outcome(task);
    log(first);
    const auto second = co_await outcome(task);
    log(second);
    log(attempt([&] { task.result(); }));
}

SCENARIO(a_handler_for_ordinary_errors_does_not_catch_it, 95) {
    auto body = [&]() -> Coro<> {
        try {
            co_await sleep(10s);
        } catch (const std::exception&) {
            log("caught as an ordinary error");
        }
        log("not reached");
    };
    const auto task = create_task(body());
    co_await sleep(0s);
    task.cancel();
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(a_cancelled_child_is_told_from_a_cancelled_self, 96) {
    const auto child = create_task(sleep(10s));
    auto parent = [&]() -> Coro<> {
        const auto got = co_await outcome(child);
        log(got, "count", current_task().cancelling());
    };
    const auto task = create_task(parent());
    co_await sleep(0s);
    child.cancel();
    co_await task;
}

SCENARIO(a_childs_cancel_that_escapes_cancels_the_parent, 97) {
    const auto child = create_task(sleep(10s));
    auto parent = [&]() -> Coro<> { co_await child; };
    const auto task = create_task(parent());
    co_await sleep(0s);
    child.cancel("child's");
    const auto got = co_await outcome(task);
    log(got, task.cancelled(), task.cancelling());
}

SCENARIO(an_exception_in_the_cleanup_replaces_the_cancel, 98) {
    auto body = []() -> Coro<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            throw ValueError("in the cleanup");
        }
    };
    const auto task = create_task(body());
    co_await sleep(0s);
    task.cancel();
    const auto got = co_await outcome(task);
    log(got, task.cancelled(), task.cancelling());
}

SCENARIO(code_that_never_suspends_is_not_cancelled_before_its_end, 99) {
    const auto done = create_future<>();
    done.set_result();
    auto body = [&]() -> Coro<> {
        current_task().cancel();
        for (int n = 0; n < 3; ++n) {
            co_await done;
            log("step", n);
        }
    };
    const auto task = create_task(body());
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(a_cancel_that_the_awaited_future_refuses_is_marked, 74, 75) {
    const auto future = create_future<>();
    auto body = [&]() -> Coro<> {
        const auto first = co_await outcome(future);
        log(first);
        const auto second = co_await outcome(sleep(1s));
        log(second);
    };
    const auto task = create_task(body());
    co_await sleep(0s);
    future.cancel("by another");
    const bool accepted = task.cancel("by me");
    log(accepted, task.cancelling());
    co_await task;
}

SCENARIO(a_task_cancels_its_own_parent, 73, 80) {
    Task<> child_task;
    Task<> parent_task;
    auto child = [&]() -> Coro<> {
        const bool accepted = parent_task.cancel("from the child");
        log("child cancels", accepted, child_task.cancelling());
        Trace& trace = log;  // the child outlives its scenario
        const auto got = co_await outcome(sleep(1s));
        trace("child", got);
    };
    auto parent = [&]() -> Coro<> { co_await child_task; };
    child_task = create_task(child());
    parent_task = create_task(parent());
    co_await sleep(0s);
    const auto got = co_await outcome(parent_task);
    log(got);
    log(child_task.done(), child_task.cancelled());
}

SCENARIO(cancelled_between_two_sleeps, 77) {
    auto body = [&]() -> Coro<> {
        for (int n = 0; n < 10; ++n) {
            log.at("step", n);
            co_await sleep(1s);
        }
    };
    const auto task = create_task(body());
    log.loop().call_at(TimePoint{} + 2500ms, [&] { task.cancel("enough"); });
    const auto got = co_await outcome(task);
    log(got);
    log.at("end");
}

SCENARIO(cancelled_in_sleep_zero, 77, 86) {
    Turns turns;
    auto body = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(0s));
        log(got, "in turn", turns.count);
    };
    const auto task = create_task(body());
    log.loop().call_soon([&] { task.cancel("yielding"); });
    co_await task;
    turns.stop();
}
