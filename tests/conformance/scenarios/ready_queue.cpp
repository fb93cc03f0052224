// The ready queue: order, batches, handles, stop.
#include <memory>

#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

// Says when it is called and when it is destroyed.
auto noisy(Trace& log) {
    const auto dropped = [&log](const int* held) {
        log("dropped");
        delete held;
    };
    return [&log, held = std::unique_ptr<int, decltype(dropped)>(new int, dropped)] { log("called"); };
}

}  // namespace

SCENARIO(call_soon_is_first_in_first_out, 1) {
    for (int n = 0; n < 5; ++n) log.loop().call_soon([&log, n] { log("callback", n); });
    log("queued");
    co_await sleep(0s);
    log("after them");
}

SCENARIO(what_a_batch_queues_waits_for_the_next_turn, 2) {
    Turns turns;
    std::function<void(int)> chain = [&](int n) {
        log("link", n, "in turn", turns.count);
        if (n < 3) log.loop().call_soon([&chain, n] { chain(n + 1); });
    };
    log.loop().call_soon([&] { chain(0); });
    log.loop().call_soon([&] { log("beside the first link"); });
    co_await pause(6);
    turns.stop();
}

SCENARIO(two_chains_interleave, 2) {
    std::function<void(std::string, int)> chain = [&](const std::string& name, int n) {
        log(name, n);
        if (n != 0) log.loop().call_soon([&chain, name, n] { chain(name, n - 1); });
    };
    log.loop().call_soon([&] { chain("a", 2); });
    log.loop().call_soon([&] { chain("b", 2); });
    co_await pause(4);
}

SCENARIO(tasks_and_callbacks_share_the_queue, 1, 54) {
    auto body = [&](int n) -> Coro<> {
        log("task", n);
        co_return;
    };
    log.loop().call_soon([&] { log("callback 0"); });
    const auto first = create_task(body(1));
    log.loop().call_soon([&] { log("callback 2"); });
    const auto second = create_task(body(3));
    log.loop().call_soon([&] { log("callback 4"); });
    co_await first;
    co_await second;
}

SCENARIO(threadsafe_entries_queue_like_the_others, 1, 28) {
    log.loop().call_soon([&] { log("one"); });
    log.loop().call_soon_threadsafe([&] { log("two"); });
    log.loop().call_soon([&] { log("three"); });
    co_await sleep(0s);
    log("four");
}

SCENARIO(an_earlier_entry_cancels_a_later_one, 10) {
    Handle second;
    log.loop().call_soon([&] {
        log("first");
        second.cancel();
    });
    second = log.loop().call_soon([&] { log("second"); });
    log.loop().call_soon([&] { log("third"); });
    co_await sleep(0s);
    log("cancelled", second.cancelled());
}

SCENARIO(a_handle_is_cancelled_any_number_of_times, 9) {
    const Handle handle = log.loop().call_soon([&] { log("never"); });
    log(handle.cancelled());
    handle.cancel();
    handle.cancel();
    log(handle.cancelled());
    co_await sleep(0s);
    const Handle ran = log.loop().call_soon([&] { log("ran"); });
    co_await sleep(0s);
    log("after its run", ran.cancelled());
}

SCENARIO(cancelling_drops_the_callable_at_once, 9) {
    const Handle handle = log.loop().call_soon(noisy(log));
    const TimerHandle later = log.loop().call_later(10s, noisy(log));
    log("cancel the queued one");
    handle.cancel();
    log("cancel the timer");
    later.cancel();
    log("both cancelled");
    co_await sleep(0s);
}

SCENARIO(a_callable_is_dropped_after_its_run, 9) {
    log.loop().call_soon(noisy(log));
    log.loop().call_soon([&] { log("next entry"); });
    co_await sleep(0s);
}

LOOP_SCENARIO(stop_lets_the_batch_finish, 13, 14) {
    Loop& loop = log.loop();
    loop.call_soon([&] { loop.stop(); });
    loop.call_soon([&] {
        log("same batch");
        loop.call_soon([&] { log("queued in the last batch"); });
    });
    loop.run_forever();
    log("stopped");
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    log("stopped again");
}

LOOP_SCENARIO(stop_before_the_run_makes_one_turn, 13) {
    Loop& loop = log.loop();
    loop.call_soon([&] {
        log("turn one");
        loop.call_soon([&] { log("turn two"); });
    });
    loop.call_later(1s, [&] { log("no time passes"); });
    loop.stop();
    loop.run_forever();
    log.at("after one turn");
    loop.stop();
    loop.run_forever();
    log.at("after two turns");
}

LOOP_SCENARIO(stop_twice_is_one_stop, 13) {
    Loop& loop = log.loop();
    loop.call_soon([&] {
        log("a");
        loop.stop();
        loop.stop();
    });
    loop.run_forever();
    loop.call_soon([&] { log("b"); });
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    log("end");
}

SCENARIO(an_exception_in_a_callback_does_not_stop_the_batch, 20) {
    log.loop().call_soon([&] { log("before"); });
    log.loop().call_soon([] { throw ValueError("oops"); });
    log.loop().call_soon([&] { log("after"); });
    co_await sleep(0s);
}

SCENARIO(sleepers_take_turns, 1, 63) {
    auto walker = [&](const char* name, int steps) -> Coro<> {
        for (int step = 0; step < steps; ++step) {
            log(name, step);
            co_await sleep(0s);
        }
    };
    co_await gather(walker("a", 3), walker("b", 2), walker("c", 1));
}
