// The exception handler: what is reported, and what becomes of a handler that fails.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

auto fails(const char* text = "oops") {
    return [text] { throw ValueError(text); };
}

Coro<> unhappy() {
    throw ValueError("unseen");
    co_return;
}

}  // namespace

SCENARIO(a_handler_hears_of_a_failed_callback, 20, 22) {
    log.loop().set_exception_handler([&](Loop&, const ExceptionContext& context) {
        log("heard", context.message.starts_with("Exception in callback"), err(context.exception),
            context.handle != nullptr, static_cast<bool>(context.future), static_cast<bool>(context.task));
    });
    log.loop().call_soon(fails());
    co_await sleep(0s);
}

SCENARIO(a_failed_timer_is_reported, 20) {
    log.loop().call_later(1s, fails("in a timer"));
    co_await sleep(2s);
    log.at("end");
}

SCENARIO(a_failing_handler_does_not_hurt_the_loop, 24) {
    log.loop().set_exception_handler([&](Loop&, const ExceptionContext&) {
        log("handler called");
        throw RuntimeError("handler broken");
    });
    log.loop().call_soon(fails());
    log.loop().call_soon([&] { log("next in the batch"); });
    co_await pause(2);
    log("alive");
}

SCENARIO(none_restores_the_default, 25) {
    const auto handler = [&](Loop&, const ExceptionContext& context) { log("custom", err(context.exception)); };
    log.loop().set_exception_handler(handler);
    log(static_cast<bool>(log.loop().get_exception_handler()));
    log.loop().set_exception_handler(nullptr);
    log(static_cast<bool>(log.loop().get_exception_handler()));
    log.loop().set_exception_handler(handler);
    log.loop().call_soon(fails());
    co_await sleep(0s);
}

SCENARIO(call_exception_handler_hands_the_context_over, 22) {
    log.loop().set_exception_handler([&](Loop& loop, const ExceptionContext& context) {
        log(context.message, err(context.exception), static_cast<bool>(context.future), &loop == &log.loop());
    });
    log.loop().call_exception_handler({.message = "only text"});
    ExceptionContext more;
    more.message = "more";
    more.exception = std::make_exception_ptr(ValueError("v"));
    more.future = create_future<>();
    log.loop().call_exception_handler(more);
    co_return;
}

SCENARIO(a_raising_done_callback_leaves_the_others_alone, 44) {
    const auto future = create_future<int>();
    future.add_done_callback([&](const auto&) { log("first"); });
    future.add_done_callback([](const auto&) { throw ValueError("in a done callback"); });
    future.add_done_callback([&](const auto& f) { log("third", f.result()); });
    future.set_result(1);
    co_await sleep(0s);
}

SCENARIO(a_failure_that_nobody_looked_at, 48) {
    auto future = create_future<int>();
    future.set_exception(ValueError("unseen"));
    log("dropping it");
    future = {};
    log("dropped");
    co_return;
}

SCENARIO(looking_at_a_failure_is_enough, 48) {
    {
        std::vector<Future<int>> futures;
        for (int n = 0; n < 4; ++n) {
            futures.push_back(create_future<int>());
            futures.back().set_exception(ValueError(std::to_string(n)));
        }
        log(futures[0].exception());
        log(attempt([&] { return futures[1].result(); }));
        const std::vector gathered{futures[2]};
        const auto results = co_await gather(return_exceptions, gathered);
        log(results);
        try {
            co_await futures[3];
        } catch (const ValueError&) {
            log("awaited", std::current_exception());
        }
    }
    log("nothing reported");
}

SCENARIO(cancelling_a_failed_future_suppresses_the_report, 49) {
    auto future = create_future<int>();
    future.set_exception(ValueError("unseen"));
    const bool accepted = future.cancel();
    log(accepted, future.cancelled());
    future = {};
    log("nothing reported");
    co_return;
}

SCENARIO(a_failed_task_that_nobody_awaited, 69) {
    auto task = create_task(unhappy());
    co_await pause(2);
    log("done", task.done());
    task = {};
    log("dropped");
}

SCENARIO(a_cancelled_task_is_no_news, 69) {
    auto task = create_task(sleep(10s));
    co_await sleep(0s);
    task.cancel();
    co_await pause(2);
    log(task.cancelled());
    task = {};
    log("nothing reported");
}

SCENARIO(the_handler_hears_of_tasks, 23) {
    log.loop().set_exception_handler(
        [&](Loop&, const ExceptionContext& context) { log(context.message, err(context.exception), context.task); });
    auto task = create_task(unhappy(), {.name = "unhappy"});
    co_await pause(2);
    task = {};
}

SCENARIO(the_default_handler_comes_back, 24) {
    log.loop().set_exception_handler(
        [&](Loop&, const ExceptionContext& context) { log("custom first", context.message); });
    log.loop().call_exception_handler({.message = "one"});
    log.loop().set_exception_handler(nullptr);
    log.loop().call_exception_handler({.message = "two"});
    co_return;
}

SCENARIO(reports_come_in_the_order_of_the_failures, 20, 25) {
    std::vector<std::string> texts{"0", "1", "2"};
    for (const auto& text : texts) {
        log.loop().call_soon(fails(text.c_str()));
        log.loop().call_soon([&log, &text] { log("between", text); });
    }
    co_await sleep(0s);
}

SCENARIO(a_handler_may_call_the_default_handler, 24, 25) {
    log.loop().set_exception_handler([&](Loop& loop, const ExceptionContext& context) {
        log("custom first");
        loop.default_exception_handler(context);
    });
    log.loop().call_soon(fails());
    co_await sleep(0s);
}
