// gather: order, failures, cancellation.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

template <class T>
Coro<T> after(Duration delay, T value) {
    co_return co_await sleep(delay, std::move(value));
}
Coro<std::string> after(Duration delay, const char* value) { return after(delay, std::string(value)); }

Coro<int> fails(Duration delay, const char* text) {
    co_await sleep(delay);
    throw ValueError(text);
}

// Swallows one cancellation.
Coro<int> stubborn(int value) {
    (void)co_await outcome(sleep(100s));
    co_return value;
}

}  // namespace

SCENARIO(results_are_in_argument_order, 108) {
    const auto results = co_await gather(after(3s, "a"), after(1s, "b"), after(2s, "c"));
    log(results);
    log.at("end");
}

SCENARIO(children_start_in_argument_order, 108) {
    auto child = [&](int n) -> Coro<> {
        log("starts", n);
        co_return;
    };
    const auto first = create_task(child(1));
    co_await gather(child(2), first, child(3));
}

SCENARIO(equal_arguments_are_one_child, 109) {
    std::vector<std::string> calls;
    auto child = [&]() -> Coro<int> {
        calls.emplace_back("called");
        co_return static_cast<int>(calls.size());
    };
    const auto task = create_task(child());
    const auto future = create_future<std::string>();
    future.set_result("f");
    const auto results = co_await gather(task, future, task, future);
    log(results);
    log(calls);
}

SCENARIO(gather_of_nothing, 110) {
    const auto empty = gather();
    log(empty.done(), empty.result());
    const auto results = co_await empty;
    log(results);
}

SCENARIO(children_run_although_nobody_awaits, 111) {
    auto child = [&](int n) -> Coro<> {
        co_await sleep(n * 1s);
        log.at("child", n);
    };
    const auto gathered = gather(child(1), child(2));
    co_await sleep(3s);
    log(gathered.done());
}

SCENARIO(the_first_failure_comes_out_at_once, 112) {
    const auto slow = create_task(after(5s, "slow"));
    const auto got = co_await outcome(gather(slow, fails(2s, "second"), fails(1s, "first")));
    log(got);
    log.at("slow", slow.done(), slow.cancelling());
    const auto value = co_await slow;
    log(value);
}

SCENARIO(it_is_the_same_exception, 112) {
    const auto failure = std::make_exception_ptr(ValueError("the one"));
    auto child = [&]() -> Coro<> {
        std::rethrow_exception(failure);
        co_return;
    };
    try {
        co_await gather(child(), after(1s, "x"));
    } catch (const ValueError&) {
        log(std::current_exception() == failure);
    }
    co_await sleep(2s);
}

SCENARIO(later_failures_are_not_reported, 113) {
    const auto got = co_await outcome(gather(fails(1s, "one"), fails(2s, "two"), fails(3s, "three")));
    log(got);
    co_await sleep(5s);
    log.at("nothing reported");
}

SCENARIO(a_cancelled_child_is_a_failure, 114) {
    const auto child = create_task(after(5s, "x"));
    const auto outer = gather(child, after(1s, "y"));
    co_await sleep(0s);
    child.cancel("child only");
    const auto got = co_await outcome(outer);
    log(got);
    log(outer.cancelled(), outer.done());
}

SCENARIO(with_return_exceptions_failures_are_results, 115) {
    const auto child = create_task(after(5s, "never"));
    log.loop().call_later(2s, [&] { child.cancel("msg"); });
    const auto results = co_await gather(return_exceptions, fails(1s, "bad"), after(3s, "good"), child);
    log(results);
    log.at("end");
}

SCENARIO(with_return_exceptions_all_are_waited_for, 115) {
    const auto outer = gather(return_exceptions, fails(1s, "bad"), after(4s, "good"));
    co_await sleep(2s);
    log(outer.done());
    const auto results = co_await outer;
    log(results);
    log.at("end");
}

SCENARIO(cancelling_the_outer_asks_every_child, 116) {
    auto child = [&](int n) -> Coro<> {
        try {
            co_await sleep(100s);
        } catch (...) {
            log("child", n, current_task().cancelling());
            throw;
        }
    };
    const auto outer = gather(child(1), child(2));
    co_await sleep(1s);
    const bool accepted = outer.cancel();
    log(accepted, outer.done(), outer.cancelled());
    const auto got = co_await outcome(outer);
    log(got);
    log(outer.cancelled());
}

SCENARIO(cancelling_the_awaiting_task, 116) {
    auto child = [&](int n) -> Coro<> {
        const auto got = co_await outcome(sleep(100s));
        log("child", n, got);
        throw CancelledError();
    };
    auto parent = [&]() -> Coro<> { co_await gather(child(1), child(2)); };
    const auto task = create_task(parent());
    co_await sleep(1s);
    task.cancel("parent");
    const auto got = co_await outcome(task);
    log(got);
    log.at(task.cancelled());
}

SCENARIO(cancelled_with_return_exceptions_it_raises_whatever_they_did, 117) {
    const auto outer = gather(return_exceptions, stubborn(1), stubborn(2));
    co_await sleep(1s);
    const bool accepted = outer.cancel("why");
    log(accepted, outer.done());
    const auto got = co_await outcome(outer);
    log(got);
    log(outer.cancelled());
}

SCENARIO(cancelled_with_return_exceptions_it_waits_for_all, 117) {
    auto slow_cleanup = []() -> Coro<std::string> {
        (void)co_await outcome(sleep(100s));
        co_await sleep(5s);
        co_return "cleaned";
    };
    const auto outer = gather(return_exceptions, after(100s, "x"), slow_cleanup());
    co_await sleep(1s);
    outer.cancel();
    const auto got = co_await outcome(outer);
    log(got);
    log.at("end");
}

SCENARIO(cancelled_without_return_exceptions_the_first_to_end_ends_it, 118) {
    auto slow_cleanup = [&]() -> Coro<> {
        (void)co_await outcome(sleep(100s));
        co_await sleep(5s);
        log.at("cleaned up");
    };
    const auto outer = gather(slow_cleanup(), after(100s, "x"));
    co_await sleep(1s);
    outer.cancel();
    const auto got = co_await outcome(outer);
    log(got);
    log.at("end");
    co_await sleep(10s);
}

SCENARIO(if_all_swallow_it_still_raises_at_the_end, 118) {
    const auto outer = gather(stubborn(1), stubborn(2));
    co_await sleep(1s);
    outer.cancel("msg");
    const auto got = co_await outcome(outer);
    log(got);
    log(outer.cancelled());
}

SCENARIO(a_child_that_answers_the_cancel_with_a_failure, 118) {
    auto sour = []() -> Coro<> {
        (void)co_await outcome(sleep(100s));
        throw ValueError("sour");
    };
    const auto outer = gather(stubborn(1), sour());
    co_await sleep(1s);
    outer.cancel();
    const auto got = co_await outcome(outer);
    log(got, outer.cancelled());
}

SCENARIO(cancelling_a_done_gather_does_nothing, 119) {
    const auto slow = create_task(after(5s, "slow"));
    const auto outer = gather(slow, fails(1s, "bad"));
    const auto got = co_await outcome(outer);
    log(got);
    const bool accepted = outer.cancel();
    log(accepted, slow.cancelling());
    const auto value = co_await slow;
    log(value);
}

SCENARIO(children_done_but_not_looked_at, 120) {
    auto empty = []() -> Coro<std::string> { co_return "r"; };
    const auto outer = gather(empty(), empty());
    log.loop().call_soon([&] {
        const bool accepted = outer.cancel();
        log("cancel", accepted, outer.done());
    });
    const auto got = co_await outcome(outer);
    log(got);
}

SCENARIO(a_task_that_awaits_it_then_is_cancelled, 120) {
    auto empty = []() -> Coro<std::string> { co_return "r"; };
    auto parent = [&]() -> Coro<> { co_await gather(empty(), empty()); };
    const auto task = create_task(parent());
    co_await sleep(0s);
    log.loop().call_soon([&] { log("cancel", task.cancel()); });
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(children_that_are_done_are_collected_at_once, 121) {
    const auto done = create_future<int>();
    done.set_result(1);
    const auto outer = gather(done, done);
    log(outer.done(), outer.result());
    const auto mixed = gather(done, after(1s, 2));
    log(mixed.done());
    const auto results = co_await mixed;
    log(results);
}

SCENARIO(a_nested_gather_is_cancelled_to_the_leaves, 122) {
    auto leaf = [&](int n) -> Coro<> {
        try {
            co_await sleep(100s);
        } catch (const CancelledError&) {
            log("leaf", n);
            throw;
        }
    };
    auto pair = [&](int n) -> Coro<> { co_await gather(leaf(n), leaf(n + 1)); };
    const auto outer = gather(pair(1), gather(leaf(3), leaf(4)));
    co_await sleep(1s);
    log(outer.cancel());
    const auto got = co_await outcome(outer);
    log(got);
}

SCENARIO(a_failed_future_makes_it_done_on_return, 123) {
    const auto failed = create_future<int>();
    failed.set_exception(ValueError("old"));
    const auto later = create_task(after(1s, "later"));
    const auto outer = gather(failed, later);
    log(outer.done(), outer.exception());
    const auto value = co_await later;
    log(value);
}

SCENARIO(gathers_end_in_the_order_of_their_last_children, 103, 108) {
    auto group = [&](const char* name, Duration first, Duration second) -> Coro<> {
        const auto result = co_await gather(after(first, name), after(second, name));
        log.at(result);
    };
    co_await gather(group("a", 1s, 4s), group("b", 2s, 3s), group("c", 0s, 0s));
}

SCENARIO(a_later_result_is_dropped, 113) {
    const auto outer = gather(fails(1s, "bad"), after(2s, "dropped"));
    const auto got = co_await outcome(outer);
    log(got);
    co_await sleep(2s);
    log(attempt([&] { return outer.result(); }));
}

SCENARIO(an_outcome_of_each_kind, 115) {
    const auto gone = create_future<std::string>();
    gone.cancel("gone");
    const auto bad = create_future<std::string>();
    bad.set_exception(ValueError("bad"));
    const auto good = create_future<std::string>();
    good.set_result("good");
    const auto outer = gather(return_exceptions, gone, bad, good);
    log(outer.done());
    const auto results = co_await outer;
    log(results);
}
