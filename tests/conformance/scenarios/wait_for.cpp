// wait_for: a time limit around one awaitable.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<std::string> after(Duration delay, std::string value) { co_return co_await sleep(delay, std::move(value)); }

// Swallows one cancellation.
Coro<std::string> stubborn(std::string value) {
    (void)co_await outcome(sleep(100s));
    co_return value;
}
// Answers a cancellation with a failure.
Coro<std::string> sour(const char* text) {
    (void)co_await outcome(sleep(100s));
    throw ValueError(text);
}

}  // namespace

SCENARIO(in_time, 133) {
    const auto got = co_await wait_for(after(1s, "value"), 2s);
    log(got);
    log.at("end");
}

SCENARIO(a_coroutine_runs_in_the_callers_task, 133) {
    auto body = []() -> Coro<std::string> { co_return current_task().get_name(); };
    current_task().set_name("caller");
    const auto before = all_tasks().size();
    const auto got = co_await wait_for(body(), 1s);
    log(got, all_tasks().size() - before);
}

SCENARIO(no_limit, 134) {
    const auto got = co_await wait_for(after(1000s, "value"), std::nullopt);
    log(got);
    log.at("end");
}

SCENARIO(a_limit_of_zero_and_a_done_future, 135) {
    const auto done = create_future<std::string>();
    done.set_result("there");
    const auto first = co_await wait_for(done, 0s);
    const auto second = co_await wait_for(done, -1s);
    log(first, second);
    const auto failed = create_future<int>();
    failed.set_exception(ValueError("bad"));
    const auto got = co_await outcome(wait_for(failed, 0s));
    log(got);
}

SCENARIO(a_limit_of_zero_and_a_coroutine, 135) {
    auto body = [&]() -> Coro<> {
        log("never starts");
        co_return;
    };
    const auto first = co_await outcome(wait_for(body(), 0s));
    log(first);
    const auto second = co_await outcome(wait_for(body(), -1s));
    log(second);
}

SCENARIO(a_limit_of_zero_and_a_task_that_cleans_up, 135) {
    auto body = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log(got);
        co_await sleep(3s);
        log.at("cleaned up");
        throw CancelledError();
    };
    const auto task = create_task(body());
    co_await sleep(1s);
    const auto got = co_await outcome(wait_for(task, 0s));
    log(got);
    log.at("end", task.cancelled());
}

SCENARIO(a_limit_of_zero_and_a_task_that_swallows, 135) {
    const auto task = create_task(stubborn("all the same"));
    co_await sleep(1s);
    const auto got = co_await outcome(wait_for(task, 0s));
    log(got);
}

SCENARIO(a_limit_of_zero_and_a_task_that_fails, 135) {
    const auto task = create_task(sour("instead"));
    co_await sleep(1s);
    const auto got = co_await outcome(wait_for(task, 0s));
    log(got);
}

SCENARIO(the_cleanup_runs_to_its_end, 136) {
    auto body = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log.at("body", got);
        co_await sleep(10s);
        log.at("cleaned up");
        throw CancelledError();
    };
    const auto got = co_await outcome(wait_for(body(), 1s));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(a_task_is_cancelled_on_expiry, 136) {
    const auto task = create_task(after(100s, "x"));
    const auto got = co_await outcome(wait_for(task, 1s));
    log(got);
    log.at(task.cancelled(), task.cancelling());
}

SCENARIO(a_swallowed_expiry_gives_the_value, 137) {
    const auto got = co_await outcome(wait_for(stubborn("value"), 1s));
    log(got);
    log.at("count", current_task().cancelling());
}

SCENARIO(a_task_that_swallows_the_expiry, 137) {
    const auto task = create_task(stubborn("value"));
    const auto got = co_await outcome(wait_for(task, 1s));
    log(got, task.cancelling());
}

SCENARIO(another_error_of_the_cleanup, 138) {
    const auto got = co_await outcome(wait_for(sour("from the cleanup"), 1s));
    log(got);
    log(current_task().cancelling());
}

SCENARIO(a_timeout_error_of_its_own, 139) {
    auto body = []() -> Coro<> {
        throw TimeoutError();
        co_return;
    };
    const auto got = co_await outcome(wait_for(body(), 1s));
    log(got);
    log.at("end");
}

SCENARIO(cancelling_the_caller, 140) {
    auto body = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log("body", got);
        co_await sleep(2s);
        log.at("cleaned up");
        throw CancelledError();
    };
    auto caller = [&]() -> Coro<> { co_await wait_for(body(), 50s); };
    const auto task = create_task(caller());
    co_await sleep(1s);
    task.cancel("outside");
    const auto got = co_await outcome(task);
    log(got);
    log.at(task.cancelled());
}

SCENARIO(somebody_else_cancels_the_inner_task, 141) {
    const auto inner = create_task(after(100s, "x"));
    log.loop().call_later(1s, [&] { inner.cancel(); });
    const auto got = co_await outcome(wait_for(inner, 10s));
    log(got, current_task().cancelling());
    log.at("end");
}

SCENARIO(cancelled_in_the_turn_of_the_completion, 142) {
    const auto future = create_future<std::string>();
    auto caller = [&]() -> Coro<std::string> { co_return co_await wait_for(future, 10s); };
    const auto task = create_task(caller());
    co_await sleep(1s);
    future.set_result("lost");
    task.cancel();
    const auto got = co_await outcome(task);
    log(got, future.result());
}

SCENARIO(the_result_and_the_deadline_in_one_turn, 143) {
    const auto future = create_future<std::string>();
    log.loop().call_at(TimePoint{} + 1s, [&] { future.set_result("held by the future"); });
    const auto got = co_await outcome(wait_for(future, 1s));
    log(got, future.result());
    log.at("count", current_task().cancelling());
}

SCENARIO(the_deadline_before_the_result_in_one_turn, 143) {
    const auto future = create_future<int>();
    auto caller = [&]() -> Coro<int> { co_return co_await wait_for(future, 1s); };
    const auto task = create_task(caller());
    co_await sleep(0s);
    log.loop().call_at(TimePoint{} + 1s, [&] { log("set", attempt([&] { future.set_result(1); })); });
    const auto got = co_await outcome(task);
    log(got, future.cancelled());
}

SCENARIO(a_future_is_cancelled_on_expiry, 144) {
    const auto future = create_future<int>();
    const auto first = co_await outcome(wait_for(future, 1s));
    log(first, future.cancelled());
    const auto protected_one = create_future<int>();
    const auto second = co_await outcome(wait_for(shield(protected_one), 1s));
    log(second, protected_one.done());
    log.at("end");
}

SCENARIO(expiry_and_an_outside_cancel_together, 145) {
    auto caller = []() -> Coro<> { co_await wait_for(sleep(100s), 1s); };
    const auto task = create_task(caller());
    co_await sleep(0s);
    log.loop().call_at(TimePoint{} + 1s, [&] { task.cancel("outside"); });
    const auto got = co_await outcome(task);
    log(got, task.cancelling());
    log.at("end");
}

SCENARIO(a_done_future_is_given_without_a_suspension, 106, 135) {
    const auto done = create_future<std::string>();
    done.set_result("there");
    log.loop().call_soon([&] { log("other work"); });
    const auto first = co_await wait_for(done, 1s);
    const auto second = co_await wait_for(done, std::nullopt);
    log(first, second);
    co_await sleep(0s);
}

SCENARIO(nested_the_inner_expires_first, 136, 167) {
    auto inner = []() -> Coro<std::string> { co_return co_await outcome(wait_for(sleep(100s), 1s)); };
    const auto got = co_await outcome(wait_for(inner(), 10s));
    log(got);
    log.at("end");
}

SCENARIO(nested_the_outer_expires_first, 136, 168) {
    auto inner = [&]() -> Coro<> {
        const auto result = co_await outcome(wait_for(sleep(100s), 10s));
        log("inner", result);
        throw CancelledError();
    };
    const auto got = co_await outcome(wait_for(inner(), 1s));
    log(got);
    log.at("end");
}

SCENARIO(a_gather_with_a_limit, 133, 136) {
    auto child = [&](int n) -> Coro<int> {
        try {
            co_await sleep(n * 1s);
        } catch (...) {
            log.at("child", n, "ends");
            throw;
        }
        log.at("child", n, "ends");
        co_return n;
    };
    const auto got = co_await outcome(wait_for(gather(child(1), child(50)), 3s));
    log(got);
    log.at("end");
}

SCENARIO(cancelling_the_caller_cancels_the_inner_task, 140, 144) {
    const auto inner = create_task(after(100s, "x"));
    auto caller = [&]() -> Coro<> { co_await wait_for(inner, 50s); };
    const auto task = create_task(caller());
    co_await sleep(1s);
    task.cancel();
    const auto got = co_await outcome(task);
    log(got, inner.cancelled(), inner.cancelling(), task.cancelling());
}
