// Running a loop by hand: run_until_complete, run_forever, close.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {
Coro<> raise(std::exception_ptr exception) {
    co_await sleep(0s);
    std::rethrow_exception(exception);
}
}  // namespace

LOOP_SCENARIO(run_until_complete_returns_the_result, 15) {
    auto main = [&]() -> Coro<int> {
        co_await sleep(1s);
        log.at("in main");
        co_return 42;
    };
    log(log.loop().run_until_complete(main()));
    log.at("after");
}

LOOP_SCENARIO(run_until_complete_raises_what_it_failed_with, 15) {
    const auto failed = std::make_exception_ptr(ValueError("bad"));
    const auto cancelled = std::make_exception_ptr(CancelledError("stop it"));
    log(attempt([&] { log.loop().run_until_complete(raise(failed)); }));
    log(attempt([&] { log.loop().run_until_complete(raise(cancelled)); }));
    log("runs on:", log.loop().is_running());
}

LOOP_SCENARIO(run_until_complete_ends_with_the_batch_of_the_stop_callback, 15) {
    Loop& loop = log.loop();
    const auto future = loop.create_future<int>();
    future.add_done_callback([&](const auto&) {
        log("early callback");
        loop.call_soon([&] { log("queued by it"); });
    });
    loop.call_soon([&] { future.set_result(1); });
    loop.call_soon([&] { loop.call_soon([&] { log("same batch as the callbacks"); }); });
    log(loop.run_until_complete(future));
    log("now the rest");
    turn(loop);
}

LOOP_SCENARIO(callbacks_added_late_run_after_the_stop_callback, 15) {
    Loop& loop = log.loop();
    const auto future = loop.create_future<std::string>();
    loop.call_soon([&] {
        future.add_done_callback([&](const auto&) { log("callback registered after run_until_complete's own"); });
        future.set_result("done");
    });
    log(loop.run_until_complete(future));
}

LOOP_SCENARIO(stopped_before_the_end, 16) {
    Loop& loop = log.loop();
    const auto future = loop.create_future<int>();
    loop.call_soon([&] { loop.stop(); });
    log(attempt([&] { return loop.run_until_complete(future); }));
    log("done", future.done());
    loop.call_soon([&] { future.set_result(7); });
    loop.call_later(1s, [&] { loop.stop(); });
    loop.run_forever();
    log.at("a later completion did not stop the run", future.result());
}

LOOP_SCENARIO(a_task_goes_on_in_the_next_run, 16) {
    Loop& loop = log.loop();
    auto main = [&]() -> Coro<std::string> {
        log("start");
        loop.stop();
        co_await sleep(1s);
        log.at("went on");
        co_return "end";
    };
    const auto task = loop.create_task(main());
    log(attempt([&] { return loop.run_until_complete(task); }));
    log(loop.run_until_complete(task));
}

LOOP_SCENARIO(a_finished_future_still_costs_a_turn, 17) {
    Loop& loop = log.loop();
    const auto future = loop.create_future<std::string>();
    future.set_result("old");
    loop.call_soon([&] {
        log("turn one");
        loop.call_soon([&] { log("turn two"); });
    });
    log(loop.run_until_complete(future));
}

LOOP_SCENARIO(a_running_loop_refuses, 18) {
    Loop& loop = log.loop();
    const auto other = new_event_loop();
    loop.call_soon([&] {
        log(refused([&] { loop.run_forever(); }));
        log(refused([&] { loop.run_until_complete(loop.create_future<>()); }));
        log(refused([&] { loop.close(); }));
        log(refused([&] { other->run_forever(); }));
        log(refused([&] { other->run_until_complete(other->create_future<>()); }));
        log(loop.is_running(), other->is_running(), loop.is_closed());
    });
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    other->call_soon([&] { log("the other one still works"); });
    turn(*other);
    other->close();
}

LOOP_SCENARIO(a_closed_loop_refuses, 19) {
    Loop& loop = log.loop();
    loop.call_soon([&] { log("never runs"); });
    loop.close();
    loop.close();
    log(loop.is_closed(), loop.is_running());
    const auto never = [&] { log("x"); };
    log(attempt([&] { (void)loop.call_soon(never); }));
    log(attempt([&] { (void)loop.call_soon_threadsafe(never); }));
    log(attempt([&] { (void)loop.call_later(1s, never); }));
    log(attempt([&] { (void)loop.call_at(TimePoint{}, never); }));
    log(attempt([&] { loop.run_forever(); }));
    log(attempt([&] { loop.run_until_complete(create_future<>()); }));
}

LOOP_SCENARIO(system_exit_leaves_the_loop_at_once, 21) {
    Loop& loop = log.loop();
    loop.call_soon([&] {
        log("exits");
        throw SystemExit(3);
    });
    loop.call_soon([&] { log("the rest of the batch waits"); });
    log(attempt([&] { loop.run_forever(); }));
    log("running", loop.is_running());
    turn(loop);
}

LOOP_SCENARIO(keyboard_interrupt_leaves_run_until_complete, 21) {
    Loop& loop = log.loop();
    auto main = [&]() -> Coro<std::string> {
        loop.call_soon([] { throw KeyboardInterrupt(); });
        co_await sleep(1s);
        co_return "finished";
    };
    const auto task = loop.create_task(main());
    log(attempt([&] { return loop.run_until_complete(task); }));
    log("done", task.done());
    log(attempt([&] { return loop.run_until_complete(task); }));
}

LOOP_SCENARIO(no_running_loop, 29) {
    log(attempt([] { (void)get_running_loop(); }));
    log.loop().call_soon([&] { log(&get_running_loop() == &log.loop()); });
    turn(log.loop());
    log(attempt([] { (void)get_running_loop(); }));
}

LOOP_SCENARIO(get_event_loop_knows_the_set_loop, 29) {
    set_event_loop(nullptr);
    log(refused([] { (void)get_event_loop(); }));
    set_event_loop(&log.loop());
    log(&get_event_loop() == &log.loop());
    const auto other = new_event_loop();
    other->call_soon([&] { log(&get_event_loop() == other.get()); });
    turn(*other);
    other->close();
    set_event_loop(nullptr);
}

LOOP_SCENARIO(a_loop_can_be_run_again_and_again, 14, 18) {
    auto main = [&](int n) -> Coro<> {
        co_await sleep(n * 1s);
        log.at("run", n);
    };
    for (const int n : {1, 2, 3}) log.loop().run_until_complete(main(n));
    log.at("end");
}

LOOP_SCENARIO(what_is_pending_is_frozen_between_runs, 14) {
    Loop& loop = log.loop();
    auto background = [&]() -> Coro<> {
        for (int n = 0; n < 3; ++n) {
            log("background", n);
            co_await sleep(0s);
        }
    };
    auto main = [&](int n) -> Coro<> {
        log("main", n);
        co_await sleep(0s);
    };
    const auto task = loop.create_task(background());
    loop.run_until_complete(main(1));
    log("between");
    loop.run_until_complete(main(2));
    log("done", task.done());
}

LOOP_SCENARIO(closing_with_a_pending_task_is_reported, 68) {
    Loop& loop = log.loop();
    (void)loop.create_task(sleep(1000s));
    turn(loop);
    loop.close();
    log("closed");
}
