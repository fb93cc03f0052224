// Timers: order, due times, handles, purging. Virtual time stands still while anything is ready.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {
constexpr TimePoint kStart{};
}

SCENARIO(timers_run_in_order_of_deadline, 6) {
    for (const int delay : {3000, 1000, 2000, 500}) {
        log.loop().call_later(std::chrono::milliseconds(delay), [&log, delay] { log.at("after", delay / 1000.0); });
    }
    co_await sleep(5s);
    log.at("end");
}

SCENARIO(a_delay_of_zero_goes_through_the_timers, 5) {
    log.loop().call_later(0s, [&] { log("timer first"); });
    log.loop().call_soon([&] { log("soon second"); });
    co_await sleep(0s);
    log("one turn");
    co_await sleep(0s);
    log("two turns");
}

SCENARIO(a_deadline_in_the_past_runs_behind_what_is_ready, 5) {
    co_await sleep(10s);
    log.loop().call_at(kStart + 3s, [&] { log("due at 3"); });
    log.loop().call_at(kStart + 1s, [&] { log("due at 1"); });
    log.loop().call_soon([&] { log("soon"); });
    co_await pause(2);
    log.at("end");
}

SCENARIO(a_negative_delay_is_none, 8) {
    const TimerHandle handle = log.loop().call_later(-5s, [&] { log.at("fired"); });
    log.loop().call_soon([&] { log("soon"); });
    co_await pause(2);
    log("cancelled", handle.cancelled());
}

SCENARIO(a_timer_due_now_and_its_successors, 2, 5) {
    std::function<void(int)> again = [&](int n) {
        log("timer", n);
        if (n < 2) log.loop().call_later(0s, [&again, n] { again(n + 1); });
        log.loop().call_soon([&log, n] { log("soon", n); });
    };
    log.loop().call_later(0s, [&] { again(0); });
    co_await pause(5);
}

SCENARIO(when_stays_readable, 11) {
    const TimerHandle fired = log.loop().call_later(2s, [&] { log("fires"); });
    const TimerHandle cancelled = log.loop().call_at(kStart + 7s, [&] { log("never"); });
    cancelled.cancel();
    log(fired.when(), fired.cancelled(), cancelled.when(), cancelled.cancelled());
    co_await sleep(3s);
    log(fired.when(), fired.cancelled());
}

SCENARIO(cancelling_a_fired_timer_changes_nothing_that_ran, 9, 11) {
    const TimerHandle handle = log.loop().call_later(1s, [&] { log("fires"); });
    co_await sleep(2s);
    log.at("cancelled", handle.cancelled());
}

SCENARIO(a_timer_cancels_one_that_is_due_in_the_same_turn, 10) {
    TimerHandle second;
    log.loop().call_at(kStart + 1s, [&] {
        log.at("first");
        second.cancel();
    });
    second = log.loop().call_at(kStart + 1500ms, [&] { log.at("second"); });
    const TimerHandle third = log.loop().call_at(kStart + 2s, [&] { log.at("third"); });
    co_await sleep(3s);
    log(second.cancelled(), third.cancelled());
}

SCENARIO(ready_entries_run_before_due_timers, 4) {
    log.loop().call_at(kStart + 1s, [&] {
        log.at("timer one");
        log.loop().call_soon([&] { log.at("soon"); });
        log.loop().call_at(kStart + 1s, [&] { log.at("due at once"); });
    });
    log.loop().call_at(kStart + 2s, [&] { log.at("timer two"); });
    co_await sleep(3s);
}

SCENARIO(a_cancelled_timer_does_not_move_the_clock, 12) {
    const TimerHandle handle = log.loop().call_later(100s, [&] { log("never"); });
    log.loop().call_later(1s, [&] { log.at("one"); });
    handle.cancel();
    co_await sleep(2s);
    log.at("end");
}

SCENARIO(many_cancelled_timers, 12) {
    std::vector<TimerHandle> kept;
    for (int n = 0; n < 300; ++n) {
        const TimerHandle handle = log.loop().call_later((1 + n) * 1s, [&log, n] { log.at("timer", n); });
        if (n % 100 != 0) {
            handle.cancel();
        } else {
            kept.push_back(handle);
        }
    }
    co_await sleep(250s);
    log.at("kept", kept.size());
}

SCENARIO(time_stands_still_within_a_step, 30) {
    const TimePoint before = log.loop().time();
    co_await pause(10);
    log(log.loop().time() == before);
    co_await sleep(250ms);
    log(std::chrono::duration<double>(log.loop().time() - before).count());
}

SCENARIO(sleeps_wake_in_order_of_time, 64) {
    auto sleeper = [&](const char* name, Duration delay) -> Coro<> {
        const std::string result = co_await sleep(delay, std::string(name));
        log.at(result);
    };
    co_await gather(sleeper("c", 3s), sleeper("a", 1s), sleeper("b", 2s), sleeper("z", 0s), sleeper("y", -1s));
}

SCENARIO(a_cancelled_sleep_leaves_no_timer, 64) {
    const auto task = create_task(sleep(1000s));
    co_await sleep(1s);
    task.cancel();
    co_await sleep(0s);
    log.at(task.cancelled());
}

SCENARIO(sleep_zero_costs_one_turn_and_no_time, 63) {
    log.loop().call_soon([&] {
        log("turn 1");
        log.loop().call_soon([&] { log("turn 2"); });
    });
    co_await sleep(0s);
    log("slept");
    const auto result = co_await sleep(0s, "result");
    log(result);
    log.at("end");
}
