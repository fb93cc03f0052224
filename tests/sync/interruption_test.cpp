// What leaves a loop's run(): SystemExit and KeyboardInterrupt from tasks and callbacks, and nothing else.
#include "sync/interruption.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "sync/errors.hpp"
#include "sync/fork_join.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::CancelledError;
using weft::Coro;
using weft::create_task;
using weft::KeyboardInterrupt;
using weft::SystemExit;
using weft::Task;
using weft::test::Reports;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

static_assert(!std::is_base_of_v<std::exception, SystemExit>);
static_assert(!std::is_base_of_v<std::exception, KeyboardInterrupt>);

// The code of the SystemExit that leaves a turn; none if nothing does.
std::optional<int> exit_of(VirtualLoop& loop) {
    try {
        loop.turn();
    } catch (const SystemExit& exit) {
        return exit.code();
    }
    return {};
}

}  // namespace

TEST_CASE("an interruption is SystemExit or KeyboardInterrupt") {
    using weft::sync::is_interruption;
    CHECK(is_interruption(std::make_exception_ptr(SystemExit(1))));
    CHECK(is_interruption(std::make_exception_ptr(KeyboardInterrupt())));
    CHECK_FALSE(is_interruption(std::make_exception_ptr(CancelledError())));
    CHECK_FALSE(is_interruption(std::make_exception_ptr(std::runtime_error("x"))));
    CHECK_FALSE(is_interruption(std::make_exception_ptr(1)));
    CHECK_FALSE(is_interruption(nullptr));
    CHECK_FALSE(weft::sync::interrupt_run(std::make_exception_ptr(SystemExit(1))));  // there is no loop here
    CHECK(weft::sync::describe(std::make_exception_ptr(SystemExit(3))) == "SystemExit: 3");
    CHECK(weft::sync::describe(std::make_exception_ptr(KeyboardInterrupt())) == "KeyboardInterrupt");
    CHECK(SystemExit().code() == 0);
}

TEST_CASE("rule 21: SystemExit from a callback leaves the loop at once; the rest of the batch runs on the next run") {
    VirtualLoop loop;
    const Reports reports;
    Log log;
    loop.call_soon([&] { log.emplace_back("first"); });
    loop.call_soon([] { throw SystemExit(5); });
    loop.call_soon([&] { log.emplace_back("rest"); });
    CHECK(exit_of(loop) == 5);
    CHECK(log == Log{"first"});
    CHECK_FALSE(loop.loop().running());
    loop.turn();
    CHECK(log == Log{"first", "rest"});
    CHECK(reports.all().empty());
}

TEST_CASE("rule 20: another exception is reported, and the batch goes on") {
    VirtualLoop loop;
    const Reports reports;
    Log log;
    loop.call_soon([] { throw std::runtime_error("ordinary"); });
    loop.call_soon([] { throw CancelledError("odd"); });
    loop.call_soon([&] { log.emplace_back("rest"); });
    loop.turn();
    CHECK(log == Log{"rest"});
    CHECK(reports.count("Exception in callback") == 2);
}

TEST_CASE("rule 57: a task that ends with SystemExit stores it, and it leaves the loop") {
    VirtualLoop loop;
    const Reports reports;
    Log log;
    auto exits = []() -> Coro<int> {
        co_await weft::sleep(0s);
        throw SystemExit(9);
    };
    const Task<int> task = loop.create(exits());
    (void)weft::sync::add_done_callback<Task<int>>(
        task.state(), [&](const Task<int>&) { log.emplace_back("done"); }, loop.loop());
    CHECK_FALSE(exit_of(loop));
    loop.call_soon([&] { log.emplace_back("same batch"); });
    CHECK(exit_of(loop) == 9);
    CHECK(task.done());
    CHECK_FALSE(task.cancelled());
    CHECK(log.empty());
    CHECK_THROWS_AS((void)task.result(), SystemExit);
    loop.turn();
    CHECK(log == Log{"same batch", "done"});
    CHECK(reports.all().empty());
}

TEST_CASE("rule 57: KeyboardInterrupt likewise, once: who awaits the task gets it too and may catch it") {
    VirtualLoop loop;
    auto exits = []() -> Coro<> {
        throw KeyboardInterrupt();
        co_return;
    };
    auto main = [&]() -> Coro<bool> {
        const Task<> inner = create_task(exits());
        try {
            co_await inner;
        } catch (const KeyboardInterrupt&) {
            co_return true;
        }
        co_return false;
    };
    const Task<bool> task = loop.create(main());
    loop.turn();
    CHECK_THROWS_AS(loop.turn(), KeyboardInterrupt);
    loop.turn();
    CHECK(task.done());
    CHECK(task.result());
}

TEST_CASE("an interruption of a branch goes to the parent only, which may catch it") {
    VirtualLoop loop;
    auto exits = [](bool suspends) -> Coro<> {
        if (suspends) co_await weft::sleep(0s);
        throw SystemExit(2);
    };
    auto main = [&](bool suspends) -> Coro<int> {
        int code = 0;
        try {
            co_await weft::fork_join(exits(suspends), exits(suspends));
        } catch (const SystemExit& exit) {
            code = exit.code();
        }
        co_return code;
    };
    CHECK(loop.run_until_complete(main(false)) == 2);
    CHECK(loop.run_until_complete(main(true)) == 2);
}
