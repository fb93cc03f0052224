// Thread futures, on the loop's own thread: chaining in both directions. What other threads do is tested elsewhere.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<> fails() {
    throw ValueError("bad");
    co_return;
}

// Sleeps until it is cancelled, and says so.
Coro<> sleeper(Trace& log) {
    try {
        co_await sleep(100s);
    } catch (...) {
        log.at("task unwinds");
        throw;
    }
}

}  // namespace

SCENARIO(a_thread_future_gets_the_result, 216) {
    const auto future = run_coroutine_threadsafe(sleep(1s, 5), log.loop());
    log(state(future));
    co_await sleep(2s);
    log(state(future), future.result());
}

SCENARIO(a_thread_future_gets_the_failure, 216) {
    const auto future = run_coroutine_threadsafe(fails(), log.loop());
    co_await pause(5);
    log(state(future), attempt([&] { future.result(); }), future.exception());
}

SCENARIO(callbacks_of_a_thread_future, 216) {
    auto body = []() -> Coro<int> { co_return 5; };
    const auto future = run_coroutine_threadsafe(body(), log.loop());
    future.add_done_callback([&](const auto& f) { log("callback", f.result()); });
    co_await pause(5);
    future.add_done_callback([&](const auto&) { log("at once when done"); });
    log("end");
}

SCENARIO(cancelling_a_thread_future_cancels_the_task, 217) {
    const auto future = run_coroutine_threadsafe(sleeper(log), log.loop());
    co_await sleep(1s);
    const bool accepted = future.cancel();
    log(accepted, state(future));
    co_await sleep(1s);
    log.at("end");
}

SCENARIO(a_cancelled_task_cancels_the_thread_future, 217) {
    std::vector<AnyTask> tasks;
    auto body = [&]() -> Coro<> {
        tasks.push_back(current_task());
        co_await sleep(100s);
    };
    const auto future = run_coroutine_threadsafe(body(), log.loop());
    co_await sleep(1s);
    tasks[0].cancel();
    co_await sleep(1s);
    log.at(state(future));
}

SCENARIO(wrap_future_gives_a_loop_future, 52) {
    const auto wrapped = wrap_future(run_coroutine_threadsafe(sleep(1s, "value"), log.loop()));
    log(wrapped.done());
    const auto got = co_await wrapped;
    log(got);
    log.at("end");
}

SCENARIO(wrap_future_passes_the_failure_on, 52) {
    auto body = []() -> Coro<> {
        co_await sleep(1s);
        throw ValueError("bad");
    };
    const auto got = co_await outcome(wrap_future(run_coroutine_threadsafe(body(), log.loop())));
    log(got);
}

SCENARIO(cancelling_a_wrapped_future_goes_all_the_way, 52) {
    const auto future = run_coroutine_threadsafe(sleeper(log), log.loop());
    const auto wrapped = wrap_future(future);
    co_await sleep(1s);
    log(wrapped.cancel());
    const auto got = co_await outcome(wrapped);
    log(got);
    co_await sleep(1s);
    log.at(state(future));
}

LOOP_SCENARIO(a_closed_loop_refuses_thread_work, 219) {
    log.loop().close();
    log(refused([&] { return run_coroutine_threadsafe(fails(), log.loop()); }));
}
