#include "sync/exception_handler.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/errors.hpp"
#include "sync/report.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using weft::AnyTask;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::ExceptionContext;
using weft::Future;
using weft::KeyboardInterrupt;
using weft::SystemExit;
using weft::Task;
using weft::scheduler::Loop;
using weft::sync::call_exception_handler;
using weft::sync::describe;
using weft::sync::set_exception_handler;
using weft::test::Group;
using weft::test::Reports;
using weft::test::VirtualLoop;
using namespace std::chrono_literals;

namespace {

using Log = std::vector<std::string>;

Coro<> failing(std::string what) {
    throw std::runtime_error(what);
    co_return;
}

// Writes what it is told into a log.
struct Noting {
    Log& log;
    void operator()(Loop&, const ExceptionContext& context) const {
        log.push_back(context.message + " | " + describe(context.exception));
    }
};

}  // namespace

TEST_CASE("rule 20: an exception from a callback reaches the handler with its handle, and the batch goes on") {
    VirtualLoop loop;
    Loop* told = nullptr;
    weft::Handle thrower;
    bool same_handle = false;
    Log log;
    set_exception_handler(loop.loop(), [&](Loop& where, const ExceptionContext& context) {
        told = &where;
        same_handle = context.handle != nullptr && *context.handle == thrower;
        Noting{log}(where, context);
    });
    auto* callback = new weft::scheduler::CallbackOf([] { throw std::runtime_error("broken"); });
    thrower = weft::Handle(*callback);
    loop.loop().push_pinned(*callback);
    loop.call_soon([&] { log.emplace_back("next"); });
    loop.turn();
    CHECK(log == Log{"Exception in callback | std::runtime_error: broken", "next"});
    CHECK(told == &loop.loop());
    CHECK(same_handle);
}

TEST_CASE("rule 21: SystemExit and KeyboardInterrupt leave the loop; the rest of the batch runs later") {
    const Reports reports;
    VirtualLoop loop;
    bool next = false;
    SUBCASE("SystemExit") {
        loop.call_soon([] { throw SystemExit(3); });
        loop.call_soon([&] { next = true; });
        int code = 0;
        try {
            loop.turn();
        } catch (const SystemExit& exit) {
            code = exit.code();
        }
        CHECK(code == 3);
    }
    SUBCASE("KeyboardInterrupt") {
        loop.call_soon([] { throw KeyboardInterrupt(); });
        loop.call_soon([&] { next = true; });
        CHECK_THROWS_AS(loop.turn(), KeyboardInterrupt);
    }
    CHECK_FALSE(next);
    loop.turn();
    CHECK(next);
    CHECK(reports.all().empty());
}

TEST_CASE("rule 22: only the message is always there") {
    const Reports reports;
    VirtualLoop loop;
    call_exception_handler(loop.loop(), {.message = "just words"});
    CHECK(reports.texts() == Log{"just words"});
    call_exception_handler(loop.loop(), {});
    CHECK(reports.texts().back() == "Unhandled exception in event loop");
}

TEST_CASE("rule 23: a handler is called with its loop and the context") {
    const Reports reports;
    VirtualLoop loop;
    const auto task = loop.create(failing("seen"));
    const auto future = create_future();
    const auto failure = std::make_exception_ptr(std::logic_error("odd"));
    int calls = 0;
    set_exception_handler(loop.loop(), [&](Loop& where, const ExceptionContext& context) {
        ++calls;
        CHECK(&where == &loop.loop());
        CHECK(context.message == "message");
        CHECK(context.exception == failure);
        CHECK(context.future == future);
        CHECK(context.task == task);
        CHECK(context.handle == nullptr);
    });
    call_exception_handler(loop.loop(), {.message = "message", .exception = failure, .future = future, .task = task});
    CHECK(calls == 1);
    CHECK(reports.all().empty());
    loop.turn();
    CHECK(task.exception() != nullptr);
}

TEST_CASE("rule 24: a handler that throws is reported together with what it was to handle") {
    const Reports reports;
    VirtualLoop loop;
    set_exception_handler(loop.loop(), [](Loop&, const ExceptionContext&) { throw std::runtime_error("clumsy"); });
    loop.call_soon([] { throw std::logic_error("first"); });
    bool next = false;
    loop.call_soon([&] { next = true; });
    loop.turn();
    CHECK(next);
    CHECK(reports.all().size() == 1);
    CHECK(reports.count("Unhandled error in exception handler") == 1);
    CHECK(reports.count("std::runtime_error: clumsy") == 1);
    CHECK(reports.count("Exception in callback") == 1);
    CHECK(reports.count("std::logic_error: first") == 1);
}

TEST_CASE("rule 24: if the default handler fails too, the loop survives") {
    VirtualLoop loop;
    weft::sync::set_report_sink([](const ExceptionContext&) { throw std::runtime_error("sink"); });
    bool next = false;
    SUBCASE("without a custom handler") {}
    SUBCASE("after a custom handler that throws") {
        set_exception_handler(loop.loop(), [](Loop&, const ExceptionContext&) { throw 1; });
    }
    loop.call_soon([] { throw std::logic_error("first"); });
    loop.call_soon([&] { next = true; });
    loop.turn();
    CHECK_NOTHROW(call_exception_handler(loop.loop(), {.message = "second"}));
    weft::sync::set_report_sink(nullptr);
    CHECK(next);
}

TEST_CASE("rule 24: SystemExit from a handler leaves the loop") {
    const Reports reports;
    VirtualLoop loop;
    set_exception_handler(loop.loop(), [](Loop&, const ExceptionContext&) { throw SystemExit(7); });
    loop.call_soon([] { throw std::logic_error("first"); });
    int code = 0;
    try {
        loop.turn();
    } catch (const SystemExit& exit) {
        code = exit.code();
    }
    CHECK(code == 7);
    CHECK_THROWS_AS(call_exception_handler(loop.loop(), {.message = "direct"}), SystemExit);
    CHECK(reports.all().empty());
}

TEST_CASE("rule 25: no handler is the default; one may replace itself while it runs") {
    const Reports reports;
    VirtualLoop loop;
    Log log;
    CHECK_FALSE(weft::sync::exception_handler(loop.loop()));
    set_exception_handler(loop.loop(),
                          [&log, held = std::make_unique<int>(5).release()](Loop& where, const ExceptionContext&) {
                              const std::unique_ptr<int> owned(held);
                              set_exception_handler(where, Noting{log});
                              log.push_back("replaced " + std::to_string(*owned));
                          });
    CHECK(weft::sync::exception_handler(loop.loop()));
    call_exception_handler(loop.loop(), {.message = "one"});
    call_exception_handler(loop.loop(), {.message = "two"});
    CHECK(log == Log{"replaced 5", "two | no exception"});
    set_exception_handler(loop.loop(), nullptr);
    CHECK_FALSE(weft::sync::exception_handler(loop.loop()));
    call_exception_handler(loop.loop(), {.message = "three"});
    CHECK(reports.all() == Log{"three | no exception"});
}

TEST_CASE("rules 48, 69: the handler gets the future or the task that failed unseen, and may keep it") {
    const Reports reports;
    VirtualLoop loop;
    std::vector<ExceptionContext> kept;
    set_exception_handler(loop.loop(), [&](Loop&, const ExceptionContext& context) { kept.push_back(context); });
    {
        auto makes = []() -> Coro<Future<int>> { co_return create_future<int>(); };
        const auto future = loop.run_until_complete(makes());
        future.set_exception(std::runtime_error("of a future"));
        loop.create(failing("of a task")).set_name("the failing one");
        loop.turn();
    }
    loop.turn();  // what was dropped off the loop was sent to it
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].message == "Task exception was never retrieved");
    CHECK(kept[0].task.get_name() == "the failing one");
    CHECK(kept[0].future == kept[0].task);
    CHECK(describe(kept[0].exception) == "std::runtime_error: of a task");
    CHECK(kept[1].message == "Future exception was never retrieved");
    CHECK_FALSE(kept[1].task);
    CHECK(kept[1].future.done());
    const std::exception_ptr again = kept[1].future.exception();
    CHECK(describe(again) == "std::runtime_error: of a future");
    {
        const auto last = std::move(kept);
        kept.clear();
    }
    loop.call_soon([] {});
    loop.turn();
    CHECK(kept.empty());  // reported once
    CHECK(reports.all().empty());
}

TEST_CASE("rule 68: the handler of a closing loop gets its pending tasks") {
    const Reports reports;
    Log log;
    const auto never = create_future();
    auto waits = [&]() -> Coro<> { co_await never; };
    {
        VirtualLoop loop;
        set_exception_handler(loop.loop(), [&](Loop&, const ExceptionContext& context) {
            log.push_back(context.message + " " + context.task.get_name());
        });
        auto names = [&]() -> Coro<> {
            (void)create_task(waits(), {.name = "left over"});
            co_return;
        };
        loop.run_until_complete(names());
    }
    CHECK(log == Log{"Task was destroyed but it is pending! left over"});
    CHECK(reports.all().empty());
}

TEST_CASE("exception handler: a failure dropped on a plain thread is handled on the loop's") {
    const Group group(2);
    std::atomic<int> handled{0};
    std::atomic<bool> right_thread{false};
    auto body = [&]() -> Coro<Task<>> {
        const auto here = std::this_thread::get_id();
        set_exception_handler(*weft::scheduler::current_loop(), [&, here](Loop&, const ExceptionContext& context) {
            right_thread = std::this_thread::get_id() == here;
            if (context.message == "Task exception was never retrieved") ++handled;
        });
        auto task = create_task(failing("far away"));
        while (!task.done()) co_await weft::sleep(0s);
        co_return task;
    };
    {
        const Task<> task = group.run(body());
    }
    const bool arrived = weft::test::eventually([&] { return handled == 1; });
    CHECK(arrived);
    CHECK(right_thread);
}

TEST_CASE("exception handler: of a closed loop's task, the default one") {
    const Reports reports;
    Task<> task;
    {
        VirtualLoop loop;
        set_exception_handler(loop.loop(), [](Loop&, const ExceptionContext&) { FAIL("the loop is closed"); });
        task = loop.create(failing("late"));
        loop.turn();
    }
    task = {};
    CHECK(reports.all() == Log{"Task exception was never retrieved | std::runtime_error: late"});
}
