// shield: the waiter may be cancelled, the work goes on.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<std::string> after(Duration delay, std::string value) { co_return co_await sleep(delay, std::move(value)); }

Coro<std::string> fails(Duration delay, const char* text) {
    co_await sleep(delay);
    throw ValueError(text);
}

}  // namespace

SCENARIO(of_a_done_future, 147) {
    const auto done = create_future<std::string>();
    done.set_result("there");
    log(shield(done) == done);
    const auto got = co_await shield(done);
    log(got);
}

SCENARIO(of_a_coroutine, 147) {
    const auto outer = shield(after(1s, "value"));
    log(outer.done());
    const auto got = co_await outer;
    log(got);
    log.at("end");
}

SCENARIO(the_outcome_is_copied, 148) {
    const auto value = co_await outcome(shield(after(1s, "value")));
    log(value);
    const auto failure = co_await outcome(shield(fails(1s, "bad")));
    log(failure);
    const auto inner = create_task(after(100s, "x"));
    const auto outer = shield(inner);
    log.loop().call_later(1s, [&] { inner.cancel("inner"); });
    const auto got = co_await outcome(outer);
    log(got, outer.cancelled(), inner.cancelled());
    log.at("end");
}

SCENARIO(cancelling_the_waiter_leaves_the_work_alone, 149) {
    const auto inner = create_task(after(5s, "work"));
    auto waiter = [&]() -> Coro<std::string> { co_return co_await shield(inner); };
    const auto task = create_task(waiter());
    co_await sleep(1s);
    task.cancel("waiter");
    const auto got = co_await outcome(task);
    log(got, inner.done(), inner.cancelling());
    log.at("the waiter did not wait for it");
    const auto value = co_await inner;
    log(value);
    log.at("end");
}

SCENARIO(cancelling_the_outer_future, 149) {
    const auto inner = create_task(after(5s, "work"));
    const auto outer = shield(inner);
    const bool accepted = outer.cancel("outer");
    log(accepted, outer.cancelled(), inner.cancelling());
    const auto value = co_await inner;
    log(value);
    const auto got = co_await outcome(outer);
    log(got);
}

SCENARIO(a_failure_after_the_outer_was_cancelled, 150) {
    const auto outer = shield(fails(2s, "late"));
    co_await sleep(1s);
    outer.cancel();
    co_await sleep(3s);
    log.at("end");
}

SCENARIO(a_late_failure_that_somebody_reads, 150) {
    const auto inner = create_task(fails(2s, "late"));
    const auto outer = shield(inner);
    co_await sleep(1s);
    outer.cancel();
    const auto got = co_await outcome(inner);
    log(got);
    log.at("end");
}

SCENARIO(a_late_cancellation_is_silent, 150) {
    const auto inner = create_task(after(5s, "x"));
    const auto outer = shield(inner);
    co_await sleep(1s);
    outer.cancel();
    inner.cancel();
    const auto got = co_await outcome(inner);
    log(got);
    log.at("end");
}

SCENARIO(two_shields_over_one_task, 152) {
    const auto inner = create_task(after(3s, "work"));
    const auto first = shield(inner);
    const auto second = shield(inner);
    co_await sleep(1s);
    first.cancel();
    const auto got = co_await outcome(first);
    log(got, second.done(), inner.done());
    const auto value = co_await second;
    log(value);
    log.at("end");
}

SCENARIO(the_end_and_the_cancel_in_one_turn, 153) {
    const auto inner = create_future<std::string>();
    const auto outer = shield(inner);
    auto waiter = [&]() -> Coro<std::string> { co_return co_await outcome(outer); };
    const auto task = create_task(waiter());
    co_await sleep(0s);
    inner.set_result("kept");
    outer.cancel();
    const auto got = co_await task;
    log(got, inner.result());
}

SCENARIO(a_cancelled_gather_stops_at_the_shield, 155) {
    const auto inner = create_task(after(5s, "work"));
    const auto outer = gather(shield(inner), after(50s, "y"));
    co_await sleep(1s);
    outer.cancel();
    const auto got = co_await outcome(outer);
    log(got, inner.done(), inner.cancelling());
    const auto value = co_await inner;
    log(value);
    log.at("end");
}

SCENARIO(wait_for_stops_at_the_shield, 155) {
    const auto inner = create_task(after(5s, "work"));
    const auto got = co_await outcome(wait_for(shield(inner), 1s));
    log(got);
    log.at(inner.done(), inner.cancelling());
    const auto value = co_await inner;
    log(value);
    log.at("end");
}

SCENARIO(waiting_again_after_the_cancel, 156) {
    auto waiter = [&]() -> Coro<> {
        const auto inner = create_task(after(5s, "work"));
        const auto first = co_await outcome(shield(inner));
        log(first);
        const auto again = co_await inner;
        log.at("again", again);
    };
    const auto task = create_task(waiter());
    co_await sleep(1s);
    task.cancel("first");
    co_await task;
    log("count", task.cancelling());
}

SCENARIO(the_inner_itself_can_be_cancelled, 149, 154) {
    const auto inner = create_task(after(5s, "work"));
    const auto outer = shield(inner);
    co_await sleep(1s);
    log(inner.cancel());
    const auto got = co_await outcome(outer);
    log(got, outer.cancelled());
    log.at("end");
}

SCENARIO(a_failed_inner_is_retrieved_by_the_shield, 148, 153) {
    {
        const auto got = co_await outcome(shield(fails(1s, "bad")));
        log(got);
    }
    log("nothing reported");
}

SCENARIO(a_shield_of_a_shield, 149, 152) {
    const auto inner = create_task(after(3s, "work"));
    const auto middle = shield(inner);
    const auto outer = shield(middle);
    co_await sleep(1s);
    outer.cancel();
    log(middle.done(), inner.done());
    const auto value = co_await middle;
    log(value);
    log.at("end");
}
