// timeout and timeout_at: a deadline for a block in the task's own code.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

constexpr TimePoint kStart{};

Coro<> sleeps() { co_await sleep(100s); }

}  // namespace

SCENARIO(in_time, 157, 164) {
    auto body = []() -> Coro<std::string> {
        co_await sleep(1s);
        co_return "value";
    };
    const auto got = co_await timeout(2s, body);
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(too_late, 159, 160) {
    const auto got = co_await outcome(timeout(1s, sleeps));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(a_scope_is_used_once, 157) {
    Timeout scope(1s);
    co_await scope.run(sleep(0s));
    try {
        co_await scope.run(sleep(0s));
    } catch (const RuntimeError&) {
        log("RuntimeError");
    }
}

SCENARIO(a_deadline_in_the_past_expires_at_the_first_suspension, 158) {
    auto body = [&](Timeout& scope) -> Coro<> {
        log("starts", scope.expired());
        const auto got = co_await outcome(sleep(100s));
        log(got);
        log(scope.expired());
        throw CancelledError();
    };
    const auto past = co_await outcome(timeout(-1s, body));
    log(past);
    const auto now = co_await outcome(timeout(0s, body));
    log(now);
    log.at("end");
}

SCENARIO(a_deadline_in_the_past_and_no_suspension, 158, 164) {
    auto body = []() -> Coro<std::string> { co_return "value"; };
    const auto got = co_await timeout(-1s, body);
    log(got);
    co_await sleep(0s);
    log("count", current_task().cancelling());
}

SCENARIO(expiry_of_a_past_deadline_takes_a_turn, 158) {
    auto body = [&](Timeout& scope) -> Coro<> {
        for (int n = 0; n < 3; ++n) {
            const auto got = co_await outcome(sleep(0s));
            log(n, got, scope.expired());
        }
    };
    Turns turns;
    co_await timeout(0s, body);
    turns.stop();
}

SCENARIO(an_outside_cancel_as_well, 161) {
    Timeout scope(1s);
    auto body = [&]() -> Coro<> { co_await scope.run(sleeps); };
    const auto task = create_task(body());
    co_await sleep(0s);
    log.loop().call_at(kStart + 1s, [&] { task.cancel("outside"); });
    const auto got = co_await outcome(task);
    log(got, scope.expired(), task.cancelling());
}

SCENARIO(a_swallowed_expiry, 162) {
    auto body = [&](Timeout& scope) -> Coro<std::string> {
        const auto got = co_await outcome(sleep(100s));
        log(got, scope.expired(), current_task().cancelling());
        co_return "value";
    };
    const auto got = co_await outcome(timeout(1s, body));
    log(got, current_task().cancelling());
}

SCENARIO(another_exception_after_expiry, 163) {
    auto body = []() -> Coro<> {
        (void)co_await outcome(sleep(100s));
        throw ValueError("other");
    };
    const auto got = co_await outcome(timeout(1s, body));
    log(got, current_task().cancelling());
}

SCENARIO(no_expiry_after_the_end, 164) {
    co_await timeout(2s, sleep(1s));
    co_await sleep(10s);
    log.at("end", current_task().cancelling());
}

SCENARIO(when_and_expired, 165) {
    auto body = [&](Timeout& scope) -> Coro<> {
        log(scope.when(), scope.expired());
        const auto got = co_await outcome(sleep(100s));
        log(got);
        log.at(scope.when(), scope.expired());
    };
    co_await sleep(1s);
    co_await timeout(2s, body);
    auto unlimited = [&](Timeout& scope) -> Coro<> {
        log(scope.when(), scope.expired());
        co_return;
    };
    co_await timeout(std::nullopt, unlimited);
}

SCENARIO(a_later_deadline, 166) {
    auto body = [&](Timeout& scope) -> Coro<> {
        scope.reschedule(log.loop().time() + 5s);
        co_await sleep(3s);
        log.at("still in time");
        co_await sleep(100s);
    };
    const auto got = co_await outcome(timeout(1s, body));
    log(got);
    log.at("end");
}

SCENARIO(no_deadline_any_more, 166) {
    auto body = [&](Timeout& scope) -> Coro<std::string> {
        scope.reschedule(std::nullopt);
        co_await sleep(100s);
        co_return "value";
    };
    const auto got = co_await outcome(timeout(1s, body));
    log(got);
    log.at("end");
}

SCENARIO(an_earlier_deadline, 166) {
    auto body = [&](Timeout& scope) -> Coro<> {
        co_await sleep(1s);
        scope.reschedule(log.loop().time());
        co_await sleep(100s);
    };
    const auto got = co_await outcome(timeout(50s, body));
    log(got);
    log.at("end");
}

SCENARIO(a_deadline_given_late, 166) {
    auto body = [&](Timeout& scope) -> Coro<> {
        co_await sleep(10s);
        scope.reschedule(kStart + 12s);
        co_await sleep(100s);
    };
    const auto got = co_await outcome(timeout(std::nullopt, body));
    log(got);
    log.at("end");
}

SCENARIO(reschedule_is_for_active_scopes, 166) {
    Timeout scope(1s);
    log(refused([&] { scope.reschedule(kStart + 5s); }));
    auto body = [&]() -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log(got);
        log(refused([&] { scope.reschedule(kStart + 5s); }));
        throw CancelledError();
    };
    const auto got = co_await outcome(scope.run(body));
    log(got);
    log(refused([&] { scope.reschedule(kStart + 5s); }));
}

SCENARIO(nested_the_inner_expires_first, 167) {
    auto inner = [&]() -> Coro<std::string> {
        const auto result = co_await outcome(timeout(1s, sleeps));
        log.at("between the blocks", result);
        co_await sleep(1s);
        co_return "value";
    };
    const auto got = co_await outcome(timeout(5s, inner));
    log(got);
    log.at("end");
}

SCENARIO(nested_the_outer_expires_first, 168) {
    auto outer = [&]() -> Coro<> {
        try {
            co_await timeout(5s, sleeps);
        } catch (const TimeoutError&) {
            log("not this one");
        } catch (const CancelledError&) {
            log("passes the inner");
            throw;
        }
    };
    const auto got = co_await outcome(timeout(1s, outer));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(both_expire_before_the_body_runs_again, 169) {
    Timeout outer_scope(1s);
    std::vector<bool> inner_expired;
    auto outer = [&]() -> Coro<> {
        Timeout inner_scope(1s);
        const auto result = co_await outcome(inner_scope.run(sleeps));
        inner_expired.push_back(inner_scope.expired());
        log("inner block", result);
        throw CancelledError();
    };
    const auto got = co_await outcome(outer_scope.run(outer));
    log(got);
    log(std::vector<bool>{outer_scope.expired(), inner_expired.at(0)}, current_task().cancelling());
}

SCENARIO(a_task_with_an_old_request_can_use_timeouts, 92, 170) {
    auto body = [&]() -> Coro<> {
        const auto old = co_await outcome(sleep(100s));
        log(old);
        const auto got = co_await outcome(timeout(1s, sleeps));
        log(got, current_task().cancelling());
    };
    const auto task = create_task(body());
    co_await sleep(1s);
    task.cancel("old");
    co_await task;
    log.at("end");
}

SCENARIO(expiry_while_it_unwinds_from_an_outside_cancel, 171) {
    auto body = [&]() -> Coro<> {
        const auto outside = co_await outcome(sleep(100s));
        log.at("outside", outside);
        const auto cleanup = co_await outcome(sleep(100s));
        log.at("cleanup", cleanup);
        throw CancelledError("from the body");
    };
    const auto task = create_task(timeout(2s, body));
    co_await sleep(1s);
    task.cancel("by hand");
    const auto got = co_await outcome(task);
    log(got);
    log.at("end", task.cancelled());
}

SCENARIO(a_timeout_in_a_group_body, 172) {
    auto group = [](TaskGroup& tg) -> Coro<> {
        tg.create_task(sleep(50s));
        co_await timeout(1s, sleeps);
    };
    const auto got = co_await outcome(task_group(group));
    log(got);
    log.at("end");
}

SCENARIO(a_group_in_a_timeout, 172) {
    auto child = [&](int n) -> Coro<> {
        try {
            co_await sleep(50s);
        } catch (...) {
            log.at("child", n);
            throw;
        }
    };
    auto group = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(child(1));
        tg.create_task(child(2));
        co_return;
    };
    const auto got = co_await outcome(timeout(1s, task_group(group)));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(a_child_task_is_not_timed_out, 173) {
    Task<const char*> child;
    auto body = [&]() -> Coro<> {
        child = create_task(sleep(5s, "child"));
        co_await sleep(100s);
    };
    const auto got = co_await outcome(timeout(1s, body));
    log(got);
    log.at(child.done());
    const auto value = co_await child;
    log(value);
}

SCENARIO(an_awaited_child_task_is, 173) {
    Task<const char*> child;
    auto body = [&]() -> Coro<> {
        child = create_task(sleep(5s, "child"));
        co_await child;
    };
    const auto got = co_await outcome(timeout(1s, body));
    log(got);
    log.at(child.cancelled(), child.cancelling());
}

SCENARIO(timeout_counts_from_the_call, 174) {
    auto scope = timeout(2s, sleeps);
    co_await sleep(1s);
    const auto got = co_await outcome(std::move(scope));
    log(got);
    log.at("end");
}

SCENARIO(timeout_at_takes_loop_time, 174) {
    co_await sleep(1s);
    auto body = [&](Timeout& scope) -> Coro<> {
        log(scope.when());
        co_await sleep(100s);
    };
    const auto got = co_await outcome(timeout_at(kStart + 3s, body));
    log(got);
    log.at("end");
}

SCENARIO(a_cancelled_error_of_another_task_is_not_converted, 160, 96) {
    const auto child = create_task(sleep(50s));
    log.loop().call_later(1s, [&] { child.cancel("child"); });
    const auto got = co_await outcome(timeout(5s, child));
    log(got);
    log.at("end", current_task().cancelling());
}

SCENARIO(the_expired_body_cleans_up, 159) {
    auto body = [&](Timeout& scope) -> Coro<> {
        try {
            co_await sleep(100s);
        } catch (...) {
            log.at("unwinds", scope.expired(), current_task().cancelling());
            throw;
        }
    };
    const auto got = co_await outcome(timeout(1s, body));
    log(got);
}

SCENARIO(one_task_many_limits, 158, 160) {
    for (int n = 1; n < 4; ++n) {
        const auto got = co_await outcome(timeout(n * 1s, sleeps));
        log(n, got);
        log.at("count", current_task().cancelling());
    }
}
