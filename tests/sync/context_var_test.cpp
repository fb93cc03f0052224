#include "sync/context_var.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/concurrent_future.hpp"
#include "sync/fork_join.hpp"
#include "sync/gather.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/task_group.hpp"
#include "sync/timeout.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Context;
using weft::ContextVar;
using weft::copy_context;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::fork_join;
using weft::gather;
using weft::sleep;
using weft::Task;
using weft::Token;
using weft::test::Group;
using weft::test::Reports;
using weft::test::VirtualLoop;

namespace {

// What() of the Error that fn throws; another exception, or none, fails the test.
template <class Error, class F>
std::string text_of(F fn) {
    try {
        fn();
    } catch (const Error& error) {
        return error.what();
    }
    FAIL("nothing was thrown");
    return {};
}

Coro<> nothing() { co_return; }

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Runs the test in a context of its own: what it sets stays in no other test's way.
template <class F>
void isolated(F fn) {
    Context().run(fn);
}

}  // namespace

// --- CPython's test_context.py -----------------------------------------------------------------------------------------

TEST_CASE("context_var: name and fallback (test_context_var_new_1)") {
    const ContextVar<int> plain{"aaa"};
    CHECK(plain.name() == "aaa");
    const ContextVar<std::string> with_fallback{"bbb", "fallback"};
    CHECK(with_fallback.get() == "fallback");
    CHECK(with_fallback.get("other") == "other");
    const std::string text = text_of<std::out_of_range>([&] { (void)plain.get(); });
    CHECK(contains(text, "<ContextVar name='aaa'>"));
}

TEST_CASE("context: run passes arguments, results and exceptions on (test_context_run_2, run_3)") {
    const Context ctx;
    CHECK(ctx.run([] { return 1; }) == 1);
    CHECK(ctx.run([](int a, const std::string& b) { return b + std::to_string(a); }, 7, "x") == "x7");
    int here = 0;
    CHECK(&ctx.run([&]() -> int& { return here; }) == &here);
    auto only = std::make_unique<int>(3);
    CHECK(*ctx.run([](std::unique_ptr<int> p) { return p; }, std::move(only)) == 3);
    CHECK_THROWS_AS(ctx.run([] { throw std::domain_error("1 / 0"); }), std::domain_error);
    CHECK(ctx.run([] { return 2; }) == 2);  // it was left
}

TEST_CASE("context: run nests, each context keeps its own (test_context_run_4)") {
    const Context ctx1;
    const Context ctx2;
    const ContextVar<std::string> var{"var"};
    const Context returned = ctx1.run([&] {
        CHECK(var.get("none") == "none");
        var.set("spam");
        ctx2.run([&] { CHECK(var.get("none") == "none"); });
        CHECK(var.get("none") == "spam");
        return copy_context();
    });
    CHECK(returned.get(var) == "spam");
    CHECK(ctx1.get(var) == "spam");
    CHECK(ctx2.get(var, "none") == "none");
    CHECK(var.get("none") == "none");
}

TEST_CASE("context: what run set stays there, also if it throws (test_context_run_5, run_6)") {
    const Context ctx;
    const ContextVar<int> var{"var", 0};
    CHECK_THROWS_AS(ctx.run([&] {
        CHECK(var.get() == 0);
        CHECK_THROWS_AS((void)ctx.get(var), std::out_of_range);
        var.set(42);
        CHECK(var.get() == 42);
        CHECK(ctx.get(var) == 42);
        throw std::domain_error("1 / 0");
    }),
                    std::domain_error);
    CHECK(var.get() == 0);
    CHECK(ctx.get(var) == 42);
}

TEST_CASE("context: it cannot be entered twice (test_context_run_7)") {
    const Context ctx;
    const Context other;
    ctx.run([&] {
        const std::string direct = text_of<std::runtime_error>([&] { ctx.run([] {}); });
        CHECK(contains(direct, "cannot enter context: "));
        CHECK(contains(direct, " is already entered"));
        const Context same = ctx;  // another handle
        CHECK_THROWS_AS(same.run([] {}), std::runtime_error);
        other.run([&] { CHECK_THROWS_AS(ctx.run([] {}), std::runtime_error); });
        ctx.copy().run([] {});
    });
    ctx.run([] {});
}

TEST_CASE("context_var: set, get, reset, tokens used once (test_context_getset_1)") {
    isolated([] {
        const ContextVar<std::string> c{"c"};
        CHECK_THROWS_AS((void)c.get(), std::out_of_range);
        CHECK(c.get("none") == "none");
        const Token t0 = c.set("42");
        CHECK(c.get() == "42");
        CHECK(c.get("none") == "42");
        const Token t = c.set("spam");
        CHECK(c.get() == "spam");
        c.reset(t);
        CHECK(c.get() == "42");
        c.set("spam2");
        const std::string used = text_of<std::runtime_error>([&] { c.reset(t); });
        CHECK(contains(used, "has already been used once"));
        CHECK(c.get() == "spam2");
        const Context ctx1 = copy_context();
        c.reset(t0);
        const Token copy = t0;  // the same token
        CHECK_THROWS_AS(c.reset(copy), std::runtime_error);
        CHECK(c.get("none") == "none");
        CHECK(ctx1.get(c) == "spam2");
        CHECK(ctx1.get(c, "aa") == "spam2");
        const Context ctx2 = copy_context();
        CHECK_THROWS_AS((void)ctx2.get(c), std::out_of_range);
        CHECK(ctx2.get(c, "aa") == "aa");
    });
}

TEST_CASE("context_var: a token of another variable (test_context_getset_2)") {
    isolated([] {
        const ContextVar<int> v1{"v1"};
        const ContextVar<int> v2{"v2"};
        const ContextVar<std::string> v3{"v3"};
        const Token t1 = v1.set(42);
        const std::string text = text_of<std::invalid_argument>([&] { v2.reset(t1); });
        CHECK(contains(text, "was created by a different ContextVar"));
        CHECK_THROWS_AS(v3.reset(t1), std::invalid_argument);
        CHECK(v1.get() == 42);
        v1.reset(t1);  // a refused reset has not used it
        CHECK_THROWS_AS((void)v1.get(), std::out_of_range);
        CHECK_THROWS_AS(v1.reset(Token()), weft::InvalidStateError);
    });
}

TEST_CASE("context: a fallback is no value of it (test_context_getset_3)") {
    const ContextVar<int> c{"c", 42};
    const Context ctx;
    ctx.run([&] {
        CHECK(c.get() == 42);
        CHECK_THROWS_AS((void)ctx.get(c), std::out_of_range);
        CHECK(ctx.get(c, 7) == 7);
        const Token t = c.set(1);
        CHECK(ctx.get(c) == 1);
        c.reset(t);
        CHECK_THROWS_AS((void)ctx.get(c), std::out_of_range);
        CHECK(c.get() == 42);
    });
}

TEST_CASE("context_var: a token of another context (test_context_getset_4)") {
    const ContextVar<int> c{"c", 42};
    const Context ctx;
    const Token token = ctx.run([&] { return c.set(1); });
    const std::string text = text_of<std::invalid_argument>([&] { c.reset(token); });
    CHECK(contains(text, "was created in a different Context"));
    CHECK(ctx.get(c) == 1);
    ctx.run([&] { c.reset(token); });
    CHECK_THROWS_AS((void)ctx.get(c), std::out_of_range);
}

TEST_CASE("context: a copy starts with the values and goes its own way (test_context_getset_5, copy_1)") {
    const ContextVar<int> c{"c", 42};
    const Context ctx1;
    ctx1.run([&] {
        c.set(10);
        const Context ctx2 = ctx1.copy();
        CHECK(ctx2 != ctx1);
        CHECK(ctx2.get(c) == 10);
        c.set(20);
        CHECK(ctx1.get(c) == 20);
        CHECK(ctx2.get(c) == 10);
        ctx2.run([&] {
            CHECK(c.get() == 10);
            c.set(30);
            CHECK(c.get() == 30);
        });
        CHECK(ctx1.get(c) == 20);
        CHECK(ctx2.get(c) == 30);
    });
}

TEST_CASE("context_var: each thread has its own context (test_context_threads_1)") {
    const ContextVar<int> var{"var"};
    std::vector<std::thread> threads;
    std::vector<int> wrong(10);
    for (int number = 0; number < 10; ++number) {
        threads.emplace_back([&, number] {
            wrong[static_cast<std::size_t>(number)] += var.get(-1) != -1;
            for (int i = 0; i < 100; ++i) {
                var.set(number + i);
                std::this_thread::yield();
                wrong[static_cast<std::size_t>(number)] += var.get() != number + i;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>(10));
    CHECK(var.get(-1) == -1);
}

// --- values ------------------------------------------------------------------------------------------------------------

TEST_CASE("context_var: many variables, set and reset in any order") {
    isolated([] {
        std::vector<std::unique_ptr<ContextVar<int>>> variables;
        for (int i = 0; i < 50; ++i) variables.push_back(std::make_unique<ContextVar<int>>("v", -i));
        std::vector<Token> tokens(50);
        for (std::size_t k = 0; k < 50; ++k) {
            const std::size_t i = k * 37 % 50;
            tokens[i] = variables[i]->set(static_cast<int>(i) * 2);
        }
        const Context all = copy_context();
        for (std::size_t i = 0; i < 50; i += 2) variables[i]->reset(tokens[i]);
        for (std::size_t i = 0; i < 50; ++i) {
            CHECK(variables[i]->get() == (i % 2 == 0 ? -static_cast<int>(i) : static_cast<int>(i) * 2));
            CHECK(all.get(*variables[i]) == static_cast<int>(i) * 2);
        }
    });
}

TEST_CASE("context_var: a value lives as long as a context or token has it, not longer than that") {
    const auto value = std::make_shared<int>(1);
    {
        const Context ctx;
        {
            const ContextVar<std::shared_ptr<int>> var{"var"};
            ctx.run([&] { var.set(value); });
            CHECK(value.use_count() == 2);
            CHECK(ctx.get(var).get() == value.get());
        }
        CHECK(value.use_count() == 2);  // the variable is gone, its value is not
        const ContextVar<std::shared_ptr<int>> another{"var", nullptr};
        ctx.run([&] { CHECK(another.get() == nullptr); });
    }
    CHECK(value.use_count() == 1);
}

// --- tasks -------------------------------------------------------------------------------------------------------------

TEST_CASE("rule 55: a task starts with a copy of its creator's context, taken at creation") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    std::vector<int> seen;
    auto child = [&]() -> Coro<> {
        seen.push_back(var.get());
        var.set(10);
        co_await sleep(0s);
        seen.push_back(var.get());
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        const auto task = create_task(child());
        var.set(2);  // after creation, before its first step
        const auto second = create_task(child());
        co_await task;
        co_await second;
        seen.push_back(var.get());
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<int>{1, 2, 10, 10, 2});
    CHECK(var.get() == 0);
}

TEST_CASE("rule 55: a child of a task without any value gets an empty context of its own") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    std::vector<int> seen;
    auto child = [&]() -> Coro<> {
        var.set(1);
        seen.push_back(var.get());
        co_return;
    };
    auto body = [&]() -> Coro<> {
        co_await create_task(child());
        seen.push_back(var.get());
        co_await create_task(child());
        seen.push_back(var.get());
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<int>{1, 0, 1, 0});
}

TEST_CASE("rule 55: .context is that very one, not a copy") {
    VirtualLoop loop;
    const ContextVar<std::string> var{"var", ""};
    Context ctx;
    std::vector<std::string> seen;
    auto child = [&](std::string mine) -> Coro<> {
        seen.push_back(var.get());
        var.set(std::move(mine));
        co_await sleep(0s);
        seen.push_back(var.get());
    };
    auto body = [&]() -> Coro<> {
        var.set("parent");
        const auto a = create_task(child("a"), {.context = &ctx});
        const auto b = create_task(child("b"), {.context = &ctx});
        co_await a;
        co_await b;
        CHECK(var.get() == "parent");
        CHECK(ctx.get(var) == "b");
        CHECK(a.get_context() == ctx);
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<std::string>{"", "a", "b", "b"});
}

TEST_CASE("rule 55: a coroutine that is awaited runs in the awaiting task's context") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto callee = [&]() -> Coro<> {
        var.set(var.get() + 1);
        co_await sleep(0s);
        var.set(var.get() + 1);
    };
    auto body = [&]() -> Coro<int> {
        co_await callee();
        co_await callee();
        co_return var.get();
    };
    CHECK(loop.run_until_complete(body()) == 4);
}

TEST_CASE("rule 55: the children of gather have contexts of their own, like tasks (test_tasks context_5, context_6)") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto child = [&](int add) -> Coro<int> {
        for (int i = 0; i < 3; ++i) {
            co_await sleep(10ms);
            var.set(var.get() + add);
        }
        co_return var.get();
    };
    auto body = [&]() -> Coro<> {
        var.set(100);
        auto [a, b] = co_await gather(child(1), child(10));
        CHECK(a == 103);
        CHECK(b == 130);
        CHECK(var.get() == 100);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 55: a task's token is of its own context") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto body = [&]() -> Coro<> {
        const Token mine = var.set(1);
        auto child = [&]() -> Coro<> {
            CHECK(var.get() == 1);
            CHECK_THROWS_AS(var.reset(mine), std::invalid_argument);
            const Token own = var.set(2);
            co_await sleep(0s);
            var.reset(own);
            CHECK(var.get() == 1);
        };
        co_await create_task(child());
        var.reset(mine);
        CHECK(var.get() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 71: get_context is the task's very context") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    const auto gate = create_future();
    std::vector<int> seen;
    auto child = [&]() -> Coro<> {
        var.set(1);
        co_await gate;
        seen.push_back(var.get());
        const Context mine = current_task().get_context();
        CHECK_THROWS_AS(mine.run([] {}), std::runtime_error);  // it is in it
    };
    auto body = [&]() -> Coro<> {
        const auto task = create_task(child());
        const Context before = task.get_context();  // it has no value yet
        CHECK(before.get(var, 0) == 0);
        co_await sleep(0s);
        CHECK(before.get(var) == 1);
        CHECK(task.get_context() == before);
        before.run([&] { var.set(2); });  // between two steps
        gate.set_result();
        co_await task;
        CHECK(var.get() == 0);
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<int>{2});
}

TEST_CASE("rule 55: a task ends in a context that a handle keeps") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto child = [&]() -> Coro<> {
        var.set(5);
        co_return;
    };
    auto body = [&]() -> Coro<> {
        const auto task = create_task(child());
        co_await task;
        CHECK(task.get_context().get(var) == 5);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rules 55, 211: an eager task's first step runs in its own context") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto child = [&]() -> Coro<int> {
        const int began = var.get();
        var.set(began + 1);
        co_await sleep(0s);
        co_return var.get();
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        const auto task = create_task(child(), {.eager_start = true});
        CHECK(var.get() == 1);
        const int own = co_await task;
        CHECK(own == 2);
        Context ctx;
        const auto in_ctx = create_task(child(), {.context = &ctx, .eager_start = true});
        CHECK(var.get() == 1);
        CHECK(ctx.get(var) == 1);
        co_await in_ctx;
        // CPython enters the context for the first step, and it is entered.
        Context mine = current_task().get_context();
        auto eager = child();
        CHECK_THROWS_AS((void)create_task(std::move(eager), {.context = &mine, .eager_start = true}),
                        std::runtime_error);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 133: what a coroutine sets under wait_for or timeout stays, it runs in the caller's task") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto add = [&](int n) -> Coro<int> {
        var.set(var.get() + n);
        co_await sleep(1ms);
        var.set(var.get() + n);
        co_return var.get();
    };
    auto body = [&]() -> Coro<> {
        const int in_wait_for = co_await weft::wait_for(add(1), 1s);
        CHECK(in_wait_for == 2);
        CHECK(var.get() == 2);
        const int in_timeout = co_await weft::timeout(1s, add(10));
        CHECK(in_timeout == 22);
        CHECK(var.get() == 22);
        bool timed_out = false;
        try {
            (void)co_await weft::wait_for(add(100), 0s);  // a task of its own: rule 135
        } catch (const weft::TimeoutError&) {
            timed_out = true;
        }
        CHECK(timed_out);
        CHECK(var.get() == 22);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 199: a group's tasks take .context, and copies without it") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    Context ctx;
    std::vector<int> seen;
    auto child = [&](int n) -> Coro<> {
        seen.push_back(var.get());
        var.set(n);
        co_return;
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        const auto in_group = [&](weft::TaskGroup& group) -> Coro<> {
            (void)group.create_task(child(2));
            (void)group.create_task(child(3), {.context = &ctx});
            (void)group.create_task(child(4), {.context = &ctx});
            var.set(5);
            co_return;
        };
        co_await weft::task_group(in_group);
        CHECK(var.get() == 5);
        CHECK(ctx.get(var) == 4);
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<int>{1, 0, 3});
}

// --- callbacks ---------------------------------------------------------------------------------------------------------

TEST_CASE("rule 26: call_soon takes a copy of the context at the time of the call") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    std::vector<int> seen;
    auto body = [&]() -> Coro<> {
        loop.call_soon([&] {
            seen.push_back(var.get());
            var.set(5);  // its own, though it began empty
            seen.push_back(var.get());
        });
        loop.call_soon([&] { seen.push_back(var.get()); });
        var.set(1);
        loop.call_soon([&] {
            seen.push_back(var.get());
            var.set(6);
            loop.call_soon([&] { seen.push_back(var.get()); });
            var.set(7);
        });
        var.set(2);
        co_await sleep(0s);
        co_await sleep(0s);
        seen.push_back(var.get());
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<int>{0, 5, 0, 1, 6, 2});
    CHECK(var.get() == 0);
}

TEST_CASE("rule 26: a task that a callback makes starts with the callback's context") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    std::vector<int> seen;
    auto child = [&]() -> Coro<> {
        seen.push_back(var.get());
        co_return;
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        Task<> made;
        loop.call_soon([&] {
            var.set(2);
            made = create_task(child());
            var.set(3);
        });
        co_await sleep(0s);
        co_await made;
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<int>{2});
}

TEST_CASE("rule 38: a done callback runs in the context captured when it was registered") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    std::vector<int> seen;
    auto body = [&]() -> Coro<> {
        const auto future = create_future();
        const auto note = [&](const auto&) { seen.push_back(var.get()); };
        future.add_done_callback(note);
        var.set(1);
        future.add_done_callback(note);
        Context ctx;
        ctx.run([&] { var.set(10); });
        future.add_done_callback(
            [&](const auto&) {
                seen.push_back(var.get());
                var.set(11);
            },
            {.context = &ctx});
        future.add_done_callback(note, {.context = &ctx});
        var.set(2);
        future.set_result();
        var.set(3);
        co_await sleep(0s);
        CHECK(ctx.get(var) == 11);
        future.add_done_callback(note);  // it is done already
        const auto task = create_task(nothing());
        task.add_done_callback(note, {.context = &ctx});
        weft::AnyFuture(future).add_done_callback(note, {.context = &ctx});
        co_await task;
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<int>{0, 1, 10, 11, 3, 11, 11});
}

TEST_CASE("rule 23: failures are reported in the context of the task or callback concerned") {
    static const ContextVar<int> var{"var", 0};
    static std::vector<int> seen;
    seen.clear();
    VirtualLoop loop;
    weft::sync::set_report_sink([](const weft::ExceptionContext&) { seen.push_back(var.get()); });
    auto failing = []() -> Coro<> {
        var.set(2);
        throw std::runtime_error("unseen");
        co_return;
    };
    auto never = []() -> Coro<> {
        var.set(4);
        co_await create_future();
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        loop.call_soon([] {
            var.set(3);
            throw std::runtime_error("from a callback");
        });
        create_future().add_done_callback([](const auto&) {});
        {
            const auto task = create_task(failing());
            co_await sleep(0s);
        }
        const auto future = create_future();
        future.add_done_callback([](const auto&) {
            var.set(5);
            throw std::runtime_error("from a done callback");
        });
        future.set_result();
        const auto pending = create_task(never());
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
    loop.close();
    weft::sync::set_report_sink(nullptr);
    CHECK(seen == std::vector<int>{3, 2, 5, 4});
}

TEST_CASE("context: a callback that is cancelled or dropped lets its context go") {
    const auto value = std::make_shared<int>(1);
    const ContextVar<std::shared_ptr<int>> var{"var"};
    VirtualLoop loop;
    const weft::CallbackOptions none;
    Context().run([&] {
        var.set(value);
        auto* callback = new weft::sync::ContextCallback<void (*)()>([] {}, none);
        const weft::Handle handle(*callback);
        loop.loop().push_pinned(*callback);
        handle.cancel();
        loop.call_soon([] {});
    });
    CHECK(value.use_count() == 2);  // the one that is not cancelled
    loop.turn();
    CHECK(value.use_count() == 1);
}

TEST_CASE("rule 216: a coroutine sent from a thread starts with that thread's context") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    weft::ConcurrentFuture<int> sent;
    auto body = [&]() -> Coro<int> {
        const int mine = var.get();
        var.set(mine + 1);
        co_return mine;
    };
    std::thread sender([&] {
        var.set(7);
        sent = run_coroutine_threadsafe(body(), loop.loop());
        var.set(8);
    });
    sender.join();
    while (!sent.done()) loop.turn();
    CHECK(sent.result() == 7);
    CHECK(var.get() == 0);
}

// --- branches ----------------------------------------------------------------------------------------------------------

TEST_CASE("fork_join: a branch reads its parent's context, its writes are its own") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto leaf = [&](int add) -> Coro<int> {
        const int inherited = var.get();
        var.set(inherited + add);
        co_return var.get();
    };
    auto inner = [&](int add) -> Coro<int> {
        auto [a, b] = co_await fork_join(leaf(1), leaf(2));
        co_return a * 100 + b + add + var.get() * 10'000;
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        auto [a, b] = co_await fork_join(inner(0), inner(5));
        CHECK(a == 10'203);
        CHECK(b == 10'208);
        CHECK(var.get() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: branches below a branch that has written read what it wrote, suspended or not") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto leaf = [&](bool suspends) -> Coro<int> {
        if (suspends) co_await sleep(1ms);
        const int read = var.get();
        var.set(-1);
        if (suspends) co_await sleep(1ms);
        co_return read;
    };
    auto call = [&](bool suspends) -> Coro<int> { co_return co_await leaf(suspends); };
    auto inner = [&](int mine, bool suspends) -> Coro<int> {
        if (mine != 0) var.set(mine);
        auto [a, b] = co_await fork_join(call(suspends), call(!suspends));
        CHECK(a == b);
        co_return a + 100 * var.get();
    };
    auto middle = [&](int mine, bool suspends) -> Coro<int> { co_return co_await inner(mine, suspends); };
    auto body = [&]() -> Coro<> {
        var.set(1);
        auto [a, b, c, d] = co_await fork_join(middle(0, false), middle(2, false), middle(0, true), middle(3, true));
        CHECK(a == 101);
        CHECK(b == 202);
        CHECK(c == 101);
        CHECK(d == 303);
        CHECK(var.get() == 1);
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: a branch cannot reset what its parent set") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto body = [&]() -> Coro<> {
        const Token mine = var.set(1);
        auto branch = [&](bool suspends) -> Coro<> {
            if (suspends) co_await sleep(0s);
            CHECK_THROWS_AS(var.reset(mine), std::invalid_argument);
            const Token own = var.set(2);
            co_await sleep(0s);
            var.reset(own);
            CHECK(var.get() == 1);
        };
        co_await fork_join(branch(false), branch(true));
        var.reset(mine);
        CHECK(var.get() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: reading makes no task of a branch, writing does") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto reads = [&]() -> Coro<std::size_t> {
        (void)var.get();
        (void)copy_context();
        co_return weft::all_tasks().size();
    };
    auto writes = [&]() -> Coro<std::size_t> {
        var.set(2);
        co_return weft::all_tasks().size();
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        auto [a, b] = co_await fork_join(reads(), writes());
        CHECK(a == 1);
        CHECK(b == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: a task made in a branch starts with what the branch reads") {
    VirtualLoop loop;
    const ContextVar<int> var{"var", 0};
    auto read = [&]() -> Coro<int> { co_return var.get(); };
    auto branch = [&](int mine) -> Coro<int> {
        if (mine != 0) var.set(mine);
        co_return co_await create_task(read());
    };
    auto body = [&]() -> Coro<> {
        var.set(1);
        auto [a, b] = co_await fork_join(branch(0), branch(2));
        CHECK(a == 1);
        CHECK(b == 2);
    };
    loop.run_until_complete(body());
}

// --- many loops --------------------------------------------------------------------------------------------------------

namespace {

// Forks down to `depth`; every leaf reads the root's value, every third branch writes its own.
Coro<long> tree(const ContextVar<int>& var, int expected, int depth) {
    long wrong = var.get() != expected;
    if (depth == 0) {
        if (expected % 2 == 0) co_await sleep(0s);
        wrong += var.get() != expected;
        co_return wrong;
    }
    int below = expected;
    if (depth % 3 == 0) {
        below = expected + depth;
        var.set(below);
    }
    auto [a, b] = co_await fork_join(tree(var, below, depth - 1), tree(var, below, depth - 1));
    wrong += var.get() != below;
    co_return wrong + a + b;
}

}  // namespace

TEST_CASE("fork_join: stolen branches read their parent's context") {
    const Group group(4);
    const ContextVar<int> var{"var", 0};
    auto body = [&](int mine) -> Coro<long> {
        long wrong = 0;
        for (int round = 0; round < 20; ++round) {
            var.set(mine + round);
            wrong += co_await create_task(tree(var, mine + round, 9), {.loop = weft::any_loop});
            wrong += var.get() != mine + round;
        }
        co_return wrong;
    };
    auto both = [&]() -> Coro<long> {
        auto [a, b] = co_await gather(body(1000), body(2000));
        co_return a + b;
    };
    CHECK(group.run(both()) == 0);
    CHECK(group.rescues() == 0);
}

TEST_CASE("rule 55: tasks on different loops share one context without a race") {
    const Group group(4);
    const ContextVar<std::string> var{"var", ""};
    const ContextVar<int> other{"other", 0};
    Context ctx;
    ctx.run([&] { var.set(std::string(30, '0')); });
    std::atomic<std::size_t> begun = 0;
    std::atomic<int> writing = 2;
    auto begin_together = [&]() -> Coro<> {
        ++begun;
        while (begun != group.size()) co_await sleep(0s);
    };
    auto write = [&](char mine) -> Coro<long> {
        co_await begin_together();
        for (int i = 0; i < 2000; ++i) {
            const Token token = var.set(std::string(30, mine));
            other.set(other.get() + 1);
            if (i % 3 == 0) var.reset(token);
            if (i % 7 == 0) co_await sleep(0s);
        }
        --writing;
        co_return 0;
    };
    // Nothing but get() and copy() orders the readers with the writers.
    auto read = [&](bool copies) -> Coro<long> {
        co_await begin_together();
        long wrong = 0;
        while (writing.load(std::memory_order_relaxed) != 0) {
            const std::string seen = copies ? ctx.copy().get(var) : var.get();
            wrong += seen != std::string(30, seen.front());
            co_await sleep(0s);
        }
        co_return wrong;
    };
    auto body = [&]() -> Coro<long> {
        std::vector<Task<long>> tasks;
        tasks.push_back(create_task(write('a'), {.loop = &group.loop(0), .context = &ctx}));
        tasks.push_back(create_task(write('b'), {.loop = &group.loop(1), .context = &ctx}));
        tasks.push_back(create_task(read(false), {.loop = &group.loop(2), .context = &ctx}));
        tasks.push_back(create_task(read(true), {.loop = &group.loop(3), .context = &ctx}));
        long wrong = 0;
        const std::vector<long> parts = co_await gather(tasks);
        for (const long part : parts) wrong += part;
        co_return wrong;
    };
    CHECK(group.run(body()) == 0);
    CHECK(ctx.get(other) > 0);
}

TEST_CASE("rule 71: get_context from other loops while the task makes its context") {
    const Group group(2);
    const ContextVar<int> var{"var", 0};
    std::atomic<int> go = 0;
    auto child = [&](int mine) -> Coro<int> {
        go = mine;
        while (go == mine) std::this_thread::yield();
        var.set(mine);
        co_return var.get();
    };
    auto body = [&]() -> Coro<long> {
        long wrong = 0;
        for (int i = 1; i <= 2000; ++i) {
            const auto task = create_task(child(i), {.loop = &group.loop(1)});
            while (go != i) std::this_thread::yield();
            go = -i;
            const Context seen = task.get_context();
            wrong += co_await task != i;
            wrong += seen.get(var, 0) != i;
        }
        co_return wrong;
    };
    CHECK(group.run(body()) == 0);
}

TEST_CASE("rule 55: stealable tasks keep their context wherever they run") {
    const Group group(4);
    const ContextVar<int> var{"var", 0};
    auto child = [&](int mine) -> Coro<long> {
        long wrong = var.get() != mine;
        for (int i = 0; i < 5; ++i) {
            var.set(mine * 10 + i);
            co_await sleep(0s);
            wrong += var.get() != mine * 10 + i;
        }
        co_return wrong;
    };
    auto body = [&]() -> Coro<long> {
        std::vector<Task<long>> tasks;
        for (int i = 0; i < 500; ++i) {
            var.set(i);
            tasks.push_back(create_task(child(i), {.loop = weft::any_loop}));
        }
        long wrong = 0;
        const std::vector<long> parts = co_await gather(std::move(tasks));
        for (const long part : parts) wrong += part;
        co_return wrong;
    };
    CHECK(group.run(body()) == 0);
}
