// Context variables: what tasks and callbacks see and keep.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {
ContextVar<std::string> var{"var", "default"};
ContextVar<std::string> other{"other"};
}  // namespace

SCENARIO(a_task_sees_what_was_set_at_its_creation, 55) {
    auto body = [&]() -> Coro<> {
        log(var.get());
        co_return;
    };
    var.set("at creation");
    const auto task = create_task(body());
    var.set("later");
    co_await task;
    log(var.get());
}

SCENARIO(what_a_task_sets_stays_in_it, 55) {
    auto body = [&]() -> Coro<> {
        var.set("inner");
        co_await sleep(0s);
        log("in the task", var.get());
    };
    var.set("outer");
    co_await create_task(body());
    log("outside", var.get());
}

SCENARIO(an_awaited_coroutine_shares_the_context, 55) {
    auto body = []() -> Coro<> {
        var.set("set by the coroutine");
        co_return;
    };
    var.set("before");
    co_await body();
    log(var.get());
}

SCENARIO(values_survive_suspensions, 55) {
    auto worker = [&](std::string name) -> Coro<> {
        var.set(name);
        for (int n = 0; n < 3; ++n) {
            co_await sleep(1s);
            log.at(name, var.get());
        }
    };
    co_await gather(worker("a"), worker("b"));
}

SCENARIO(a_given_context_is_used_itself, 55) {
    const Context context = copy_context();
    auto body = [&]() -> Coro<> {
        log("task sees", var.get());
        var.set("changed by the task");
        co_return;
    };
    var.set("not in the copy");
    co_await create_task(body(), {.context = &context});
    log("in the context", context.get(var), "here", var.get());
}

SCENARIO(two_tasks_share_a_given_context, 55) {
    const Context context = copy_context();
    auto writer = []() -> Coro<> {
        var.set("written");
        co_return;
    };
    auto reader = [&]() -> Coro<> {
        log(var.get());
        co_return;
    };
    const auto first = create_task(writer(), {.context = &context});
    const auto second = create_task(reader(), {.context = &context});
    co_await gather(first, second);
}

SCENARIO(a_callback_has_the_context_of_its_registration, 26) {
    var.set("registered");
    log.loop().call_soon([&] { log("soon", var.get()); });
    log.loop().call_later(1s, [&] { log("later", var.get()); });
    var.set("changed");
    co_await sleep(2s);
}

SCENARIO(call_soon_with_a_context, 26) {
    const Context context = copy_context();
    context.run([] { var.set("in the context"); });
    const auto callback = [&] {
        log(var.get());
        var.set("set by the callback");
    };
    log.loop().call_soon(callback, {.context = &context});
    co_await sleep(0s);
    log(context.get(var), var.get());
}

SCENARIO(done_callbacks_have_the_context_of_their_registration, 38) {
    const auto future = create_future<>();
    var.set("first");
    future.add_done_callback([&](const auto&) { log("one", var.get()); });
    var.set("second");
    future.add_done_callback([&](const auto&) { log("two", var.get()); });
    var.set("third");
    future.set_result();
    co_await sleep(0s);
}

SCENARIO(a_done_callback_with_a_context, 38) {
    const Context context = copy_context();
    context.run([] { var.set("given"); });
    const auto future = create_future<>();
    const auto callback = [&](const auto&) { log(var.get()); };
    future.add_done_callback(callback, {.context = &context});
    future.set_result();
    co_await sleep(0s);
    log(var.get());
}

SCENARIO(set_reset_and_default, 55) {
    log(var.get());
    auto token = var.set("one");
    auto second = var.set("two");
    log(var.get());
    var.reset(second);
    log(var.get());
    var.reset(token);
    log(var.get());
    log(attempt([] { return other.get(); }));
    co_return;
}

SCENARIO(running_in_a_copy, 55) {
    const Context context = copy_context();
    const auto inside = context.run([] {
        var.set("inside");
        return var.get();
    });
    log(inside, var.get(), context.get(var));
    co_return;
}

SCENARIO(wait_for_runs_in_the_callers_context, 55, 133) {
    auto body = []() -> Coro<> {
        var.set("set under wait_for");
        co_return;
    };
    co_await wait_for(body(), 1s);
    log(var.get());
}

SCENARIO(children_of_gather_have_copies, 55, 108) {
    auto child = [](std::string n) -> Coro<std::string> {
        var.set(n);
        co_await sleep(0s);
        co_return var.get();
    };
    var.set("parent");
    const auto results = co_await gather(child("1"), child("2"));
    log(results, var.get());
}

SCENARIO(children_of_a_group_have_copies, 55, 199) {
    auto child = [&]() -> Coro<> {
        log("child", var.get());
        var.set("child's");
        co_return;
    };
    var.set("parent's");
    auto body = [&](TaskGroup& tg) -> Coro<> {
        tg.create_task(child());
        co_return;
    };
    co_await task_group(body);
    log(var.get());
}

SCENARIO(an_eager_task_steps_in_its_own_context, 211) {
    auto body = [&]() -> Coro<> {
        var.set("eager's");
        log(var.get());
        co_return;
    };
    var.set("creator's");
    (void)create_task(body(), {.eager_start = true});
    log(var.get());
    co_return;
}

SCENARIO(the_exception_handler_runs_in_the_context_of_the_callback, 23) {
    log.loop().set_exception_handler([&](Loop&, const ExceptionContext&) { log("handler sees", var.get()); });
    var.set("registered");
    log.loop().call_soon([] {
        var.set("callback's");
        throw ValueError("x");
    });
    var.set("changed");
    co_await sleep(0s);
}
