// Runner and run: asyncio's test_runners, rules 201 to 210, on one loop and on several. What a program's run ends with,
// what lives on between two runs, and what interrupts one.
//
// No test waits for time to pass.
#include "api/runner.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "scheduler/neighbours.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/context_var.hpp"
#include "sync/errors.hpp"
#include "sync/sleep.hpp"
#include "tests/support/reports.hpp"

using namespace std::chrono_literals;
using weft::CancelledError;
using weft::Coro;
using weft::KeyboardInterrupt;
using weft::Loop;
using weft::Runner;
using weft::SystemExit;
using weft::Task;
using weft::test::Reports;

namespace {

Coro<int> give(int value) { co_return value; }

Coro<> nothing() { co_return; }

// The text of the std::runtime_error that a call throws; "" if none.
std::string error_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return {};
}

// The code of the SystemExit that a call throws.
std::optional<int> exit_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const SystemExit& exit) {
        return exit.code();
    }
    return {};
}

bool interrupted(const std::function<void()>& call) {
    try {
        call();
    } catch (const KeyboardInterrupt&) {
        return true;
    }
    return false;
}

// Turns until `value` is `wanted`; throws instead of hanging.
Coro<> until(const std::atomic<int>& value, int wanted) {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    while (value.load() < wanted) {
        if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("until: the value did not come");
        co_await weft::sleep(0s);
    }
}

Coro<> count_turns(std::atomic<int>& turns) {
    for (;;) {
        ++turns;
        co_await weft::sleep(0s);
    }
}

// Waits for ever; says so, and that it was cancelled.
Coro<> wait_for_ever(std::atomic<int>& waiting, std::atomic<int>& cancelled) {
    ++waiting;
    try {
        co_await weft::create_future<>();
    } catch (const CancelledError&) {
        ++cancelled;
        throw;
    }
}

// On the given loop, or on any.
Coro<> exit_with(int code) {
    co_await weft::sleep(0s);
    throw SystemExit(code);
}

}  // namespace

// --- run: rules 201 to 205 ----------------------------------------------------------------------------------------

TEST_CASE("rule 201: run gives what main returns and throws what it fails with, on new loops that it closes") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        weft::scheduler::Shell* shell = nullptr;
        const auto main = [&shell]() -> Coro<int> {
            shell = &weft::get_running_loop().shell();
            co_await weft::sleep(0s);
            co_return 42;
        };
        const int value = weft::run(main(), {.loops = loops});
        CHECK(value == 42);
        CHECK(shell->group() == nullptr);
        const auto fail = []() -> Coro<> {
            co_await weft::sleep(0s);
            throw std::invalid_argument("spam");
        };
        CHECK_THROWS_WITH_AS(weft::run(fail(), {.loops = loops}), "spam", std::invalid_argument);
    }
}

TEST_CASE("rule 201: run is refused inside a running loop, and the awaitable is not started") {
    std::atomic<int> waiting = 0;
    std::atomic<int> cancelled = 0;
    const auto main = [&]() -> Coro<std::string> {
        co_return error_of([&] { weft::run(wait_for_ever(waiting, cancelled)); });
    };
    const std::string text = weft::run(main(), {.loops = 1});
    CHECK(text.find("cannot be called from a running event loop") != std::string::npos);
    CHECK(waiting == 0);
}

TEST_CASE("rules 202, 204: what hangs is cancelled once and awaited without limit, and main's exception is thrown") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        std::atomic<int> waiting = 0;
        std::atomic<int> cancelled = 0;
        std::atomic<int> swallowed = 0;
        const Reports reports;
        const auto swallow = [&]() -> Coro<> {
            ++waiting;
            try {
                co_await weft::create_future<>();
            } catch (const CancelledError&) {
                ++swallowed;
            }
            for (int turn = 0; turn < 20; ++turn) co_await weft::sleep(0s);
            ++swallowed;
        };
        const auto main = [&](bool fails) -> Coro<> {
            (void)weft::create_task(wait_for_ever(waiting, cancelled));
            (void)weft::create_task(swallow());
            co_await until(waiting, 2);
            if (fails) throw std::runtime_error("main failed");
        };
        SUBCASE("main returned") { weft::run(main(false), {.loops = loops}); }
        SUBCASE("main failed") {
            CHECK(error_of([&] { weft::run(main(true), {.loops = loops}); }) == "main failed");
        }
        CHECK(cancelled == 1);
        CHECK(swallowed == 2);
        CHECK(reports.all().empty());
    }
}

TEST_CASE("rule 202: what fails while it is cancelled is reported and does not change run's outcome") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const Reports reports;
        std::atomic<int> waiting = 0;
        const auto fail_late = [&]() -> Coro<> {
            ++waiting;
            try {
                co_await weft::create_future<>();
            } catch (const CancelledError&) {
                throw std::out_of_range("lost");
            }
        };
        const auto main = [&]() -> Coro<int> {
            (void)weft::create_task(fail_late());
            co_await until(waiting, 1);
            co_return 5;
        };
        const int value = weft::run(main(), {.loops = loops});
        CHECK(value == 5);
        CHECK(reports.count("unhandled exception during") == 1);
        CHECK(reports.count("std::out_of_range: lost") == 1);
        CHECK(reports.all().size() == 1);
    }
}

TEST_CASE("rule 203: the sweep goes on until no task is left") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        std::atomic<int> waiting = 0;
        std::atomic<int> cancelled = 0;
        const auto breed = [&]() -> Coro<> {
            ++waiting;
            try {
                co_await weft::create_future<>();
            } catch (const CancelledError&) {
                (void)weft::create_task(wait_for_ever(waiting, cancelled));
            }
            co_await until(waiting, 2);
        };
        const auto main = [&]() -> Coro<> {
            (void)weft::create_task(breed());
            co_await until(waiting, 1);
        };
        weft::run(main(), {.loops = loops});
        CHECK(cancelled == 1);
    }
}

TEST_CASE("rule 205: a main task that ends cancelled makes run throw CancelledError") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const auto main = []() -> Coro<> {
            weft::current_task().cancel("enough");
            co_await weft::sleep(1h);
        };
        std::optional<std::string> message;
        try {
            weft::run(main(), {.loops = loops});
        } catch (const CancelledError& error) {
            message = error.message();
        }
        CHECK(message == "enough");
    }
}

// --- Runner: rules 206 to 208 -------------------------------------------------------------------------------------

TEST_CASE("rule 206: a Runner makes its loop on first use, and several runs share it") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        Loop& loop = runner.get_loop();
        CHECK_FALSE(loop.is_running());
        CHECK_FALSE(loop.is_closed());
        CHECK(&weft::get_event_loop() == &loop);
        const auto own = [&]() -> Coro<bool> {
            co_await weft::sleep(0s);
            co_return weft::get_running_loop().group().loops().front() == &loop;
        };
        for (int i = 0; i < 5; ++i) {
            const bool same = runner.run(own());
            CHECK(same);
        }
        CHECK(&runner.get_loop() == &loop);
        CHECK(runner.run(give(3)) == 3);
        CHECK_FALSE(loop.is_running());
    }
    const std::string text = error_of([] { (void)weft::get_event_loop(); });
    CHECK(text.find("There is no current event loop in thread") == 0);
}

TEST_CASE("rule 206: the runs of a Runner share one copy of the context") {
    const weft::ContextVar<int> var{"var", 0};
    const auto count = [&]() -> Coro<int> {
        co_await weft::sleep(0s);
        var.set(var.get() + 1);
        co_return var.get();
    };
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        weft::Context().run([&] {
            var.set(10);
            Runner runner({.loops = loops});
            var.set(20);
            CHECK(runner.run(count()) == 21);  // copied by the first use
            CHECK(var.get() == 20);
            var.set(30);
            CHECK(runner.run(count()) == 22);
            CHECK(weft::run(count(), {.loops = loops}) == 31);
            CHECK(var.get() == 30);
        });
        CHECK(var.get() == 0);
    }
}

TEST_CASE("rule 206: tasks live on between runs, but nothing moves in between") {
    for (const int loops : {1, 2, 4}) {
        CAPTURE(loops);
        std::atomic<int> turns = 0;
        Runner runner({.loops = loops});
        Task<> counter;
        const auto begin = [&]() -> Coro<> {
            counter = weft::create_task(count_turns(turns));
            co_await until(turns, 1);
        };
        runner.run(begin());
        for (int round = 0; round < 20; ++round) {
            const int frozen = turns;
            for (int i = 0; i < 100; ++i) std::this_thread::yield();
            CHECK(turns == frozen);
            CHECK_FALSE(counter.done());
            runner.run(until(turns, frozen + 5));
            CHECK(turns >= frozen + 5);
        }
        runner.close();
        CHECK(counter.cancelled());
    }
}

TEST_CASE("rule 206: what is sent between two runs waits for the next one") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        Loop& loop = runner.get_loop();
        std::atomic<int> called = 0;
        const Task<int> early = loop.create_task(give(4));
        loop.call_soon([&] { ++called; });
        std::thread([&] { loop.call_soon_threadsafe([&] { ++called; }); }).join();
        const auto sent = weft::run_coroutine_threadsafe(give(6), loop);
        CHECK(called == 0);
        CHECK_FALSE(early.done());
        const auto main = [&]() -> Coro<> {
            co_await until(called, 2);
            co_await early;
            while (!sent.done()) co_await weft::sleep(0s);
        };
        runner.run(main());
        CHECK(early.result() == 4);
        CHECK(sent.result() == 6);
    }
}

TEST_CASE("rule 207: close is idempotent, afterwards run and get_loop are refused") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        Loop& loop = runner.get_loop();
        runner.run(nothing());
        runner.close();
        CHECK(loop.is_closed());
        runner.close();
        CHECK(error_of([&] { runner.run(nothing()); }) == "Runner is closed");
        CHECK(error_of([&] { (void)runner.get_loop(); }) == "Runner is closed");
        CHECK(loop.is_closed());  // the reference lives as long as the Runner
        CHECK(error_of([&] { loop.call_soon([] {}); }) == "Event loop is closed");
    }
    Runner unused;
    unused.close();
    unused.close();
    CHECK(error_of([&] { (void)unused.get_loop(); }) == "Runner is closed");
}

TEST_CASE("rule 207: a Runner is not re-entrant, and a refused call changes nothing") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        const auto main = [&]() -> Coro<std::vector<std::string>> {
            std::vector<std::string> texts;
            texts.push_back(error_of([&] { runner.run(nothing()); }));
            texts.push_back(error_of([&] { runner.close(); }));
            Runner other({.loops = 1});
            texts.push_back(error_of([&] { other.run(nothing()); }));
            co_return texts;
        };
        const std::vector<std::string> texts = runner.run(main());
        CHECK(texts.at(0).find("Runner.run() cannot be called from a running event loop") == 0);
        CHECK(texts.at(1).find("Runner.close() cannot be called from a running event loop") == 0);
        CHECK(texts.at(2).find("Runner.run() cannot be called from a running event loop") == 0);
        CHECK(runner.run(give(8)) == 8);
    }
}

TEST_CASE("rule 207: another thread can neither run nor close a Runner that runs") {
    Runner runner({.loops = 2});
    const auto main = [&]() -> Coro<std::vector<std::string>> {
        std::vector<std::string> texts;
        std::thread([&] {
            texts.push_back(error_of([&] { runner.run(nothing()); }));
            texts.push_back(error_of([&] { runner.close(); }));
        }).join();
        co_return texts;
    };
    const std::vector<std::string> texts = runner.run(main());
    CHECK(texts.at(0) == "This event loop is already running");
    CHECK(texts.at(1) == "Cannot close a running event loop");
    CHECK(runner.run(give(1)) == 1);
}

TEST_CASE("a Runner closes with its tasks cancelled, by close() or by its end") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        std::atomic<int> waiting = 0;
        std::atomic<int> cancelled = 0;
        {
            Runner runner({.loops = loops});
            const auto main = [&]() -> Coro<> {
                for (int i = 0; i < 10; ++i) (void)weft::create_task(wait_for_ever(waiting, cancelled));
                co_await until(waiting, 10);
            };
            runner.run(main());
            CHECK(cancelled == 0);
            SUBCASE("close") { runner.close(); }
            SUBCASE("its end") {}
        }
        CHECK(cancelled == 10);
    }
}

TEST_CASE("a Runner stays usable after main has failed, was cancelled or gave a move-only value") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        const auto fail = []() -> Coro<> {
            co_await weft::sleep(0s);
            throw std::runtime_error("once");
        };
        const auto cancel_self = []() -> Coro<> {
            weft::current_task().cancel();
            co_await weft::sleep(1h);
        };
        const auto move_only = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(9); };
        CHECK(error_of([&] { runner.run(fail()); }) == "once");
        CHECK_THROWS_AS(runner.run(cancel_self()), CancelledError);
        const std::unique_ptr<int> value = runner.run(move_only());
        CHECK(*value == 9);
        CHECK(runner.run(weft::sleep(0s, 3)) == 3);
        Coro<int> twice = give(1);
        CHECK(runner.run(std::move(twice)) == 1);
        CHECK_THROWS_AS(runner.run(std::move(twice)), weft::InvalidStateError);  // NOLINT(bugprone-use-after-move)
        CHECK(runner.run(give(2)) == 2);
    }
}

TEST_CASE("rule 208: debug sets the debug mode of all loops; without it WEFT_DEBUG decides") {
    const auto all_debug = []() -> Coro<std::size_t> {
        std::size_t count = 0;
        for (const Loop* loop : weft::get_loops()) count += loop->get_debug() ? 1 : 0;
        co_return count;
    };
    ::unsetenv("WEFT_DEBUG");
    Runner plain({.loops = 3});
    CHECK(plain.run(all_debug()) == 0);
    Runner debugging({.loops = 3, .debug = true});
    CHECK(debugging.run(all_debug()) == 3);
    CHECK(weft::run(all_debug(), {.loops = 2, .debug = true}) == 2);
    ::setenv("WEFT_DEBUG", "1", 1);
    CHECK(weft::run(all_debug(), {.loops = 2}) == 2);
    ::unsetenv("WEFT_DEBUG");
}

TEST_CASE("rule 208: impossible options are refused when a Runner is made") {
    CHECK_THROWS_AS(Runner({.loops = -1}), std::invalid_argument);
}

// --- SystemExit, KeyboardInterrupt --------------------------------------------------------------------------------

TEST_CASE("rule 57: SystemExit and KeyboardInterrupt of main leave run, after the sweep") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const Reports reports;
        std::atomic<int> waiting = 0;
        std::atomic<int> cancelled = 0;
        const auto main = [&](bool exit) -> Coro<> {
            (void)weft::create_task(wait_for_ever(waiting, cancelled));
            co_await until(waiting, 1);
            if (exit) throw SystemExit(3);
            throw KeyboardInterrupt();
        };
        SUBCASE("SystemExit") {
            CHECK(exit_of([&] { weft::run(main(true), {.loops = loops}); }) == 3);
        }
        SUBCASE("KeyboardInterrupt") {
            CHECK(interrupted([&] { weft::run(main(false), {.loops = loops}); }));
        }
        CHECK(cancelled == 1);
        CHECK(reports.all().empty());
    }
}

TEST_CASE("rule 57: SystemExit of any task on any loop is stored and leaves run, main is cancelled") {
    for (const int loops : {1, 2, 4}) {
        for (int at = 0; at < loops; ++at) {
            CAPTURE(loops);
            CAPTURE(at);
            Runner runner({.loops = loops});
            std::atomic<int> waiting = 0;
            std::atomic<int> cancelled = 0;
            Task<> exiting;
            const auto main = [&]() -> Coro<> {
                weft::scheduler::Loop* there =
                    weft::get_running_loop().group().loops().at(static_cast<std::size_t>(at));
                exiting = weft::create_task(exit_with(7), {.loop = there});
                co_await wait_for_ever(waiting, cancelled);
            };
            CHECK(exit_of([&] { runner.run(main()); }) == 7);
            CHECK(exiting.done());
            CHECK(exit_of([&] { std::rethrow_exception(exiting.exception()); }) == 7);
            CHECK(cancelled == 0);
            CHECK(runner.run(give(2)) == 2);  // the Runner is usable again
            runner.close();
            CHECK(cancelled == 1);
        }
    }
}

TEST_CASE("rule 21: SystemExit from a callback on any loop leaves run") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        std::atomic<int> waiting = 0;
        std::atomic<int> cancelled = 0;
        const auto main = [&]() -> Coro<> {
            const auto last = static_cast<Loop*>(weft::get_running_loop().group().loops().back());
            last->call_soon_threadsafe([] { throw SystemExit(4); });
            co_await wait_for_ever(waiting, cancelled);
        };
        CHECK(exit_of([&] { weft::run(main(), {.loops = loops}); }) == 4);
        CHECK(cancelled == 1);
    }
}

TEST_CASE("rule 57: many tasks that exit at once on many loops leave run once, and nothing hangs") {
    for (int round = 0; round < 30; ++round) {
        const Reports reports;
        Runner runner({.loops = 4});
        const auto main = []() -> Coro<> {
            const auto& members = weft::get_running_loop().group().loops();
            for (weft::scheduler::Loop* member : members) {
                (void)weft::create_task(exit_with(1), {.loop = member});
            }
            co_await weft::create_future<>();
        };
        CHECK(exit_of([&] { runner.run(main()); }) == 1);
        // A task that had not come to its exit yet does so in the next run, or is cancelled by the end.
        try {
            runner.run(nothing());
        } catch (const SystemExit&) {  // NOLINT(bugprone-empty-catch): either is right
        }
        try {
            runner.close();
        } catch (const SystemExit&) {  // NOLINT(bugprone-empty-catch): likewise
        }
        CHECK(error_of([&] { (void)runner.get_loop(); }) == "Runner is closed");
    }
}

TEST_CASE("SystemExit in the sweep leaves run if main returned, and closes the loops") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const Reports reports;
        std::atomic<int> waiting = 0;
        const auto exit_late = [&]() -> Coro<> {
            ++waiting;
            try {
                co_await weft::create_future<>();
            } catch (const CancelledError&) {
                throw SystemExit(6);
            }
        };
        const auto main = [&](bool fails) -> Coro<int> {
            (void)weft::create_task(exit_late());
            co_await until(waiting, 1);
            if (fails) throw std::runtime_error("first");
            co_return 5;
        };
        CHECK(exit_of([&] { weft::run(main(false), {.loops = loops}); }) == 6);
        waiting = 0;
        CHECK(error_of([&] { weft::run(main(true), {.loops = loops}); }) == "first");
        CHECK(reports.count("SystemExit: 6") >= 1);
    }
}

// --- Ctrl-C: rules 209, 210 ---------------------------------------------------------------------------------------

namespace {

using Handler = void (*)(int);

// What the process does with a signal right now.
Handler disposition(int signal) {
    struct sigaction action{};
    sigaction(signal, nullptr, &action);
    return action.sa_handler;
}

// SIGINT is left to the library: doctest installs a handler of its own for the time of a test.
class DefaultSigint {
public:
    DefaultSigint() { ::signal(SIGINT, SIG_DFL); }
    DefaultSigint(const DefaultSigint&) = delete;
    DefaultSigint& operator=(const DefaultSigint&) = delete;
    ~DefaultSigint() { ::signal(SIGINT, SIG_DFL); }
};

void press_ctrl_c() { ::kill(::getpid(), SIGINT); }

void ignore_signal(int) {}

}  // namespace

TEST_CASE("rule 209: Ctrl-C cancels a main task that waits, and KeyboardInterrupt leaves run") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        std::atomic<int> waiting = 0;
        std::atomic<int> cancelled = 0;
        std::jthread user([&] {
            while (waiting == 0) std::this_thread::yield();
            press_ctrl_c();
        });
        CHECK(interrupted([&] { weft::run(wait_for_ever(waiting, cancelled), {.loops = loops}); }));
        CHECK(cancelled == 1);
        CHECK((disposition(SIGINT) == SIG_DFL));
    }
}

TEST_CASE("rule 209: Ctrl-C from a callback, or from main itself before it waits") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        std::atomic<int> waiting = 0;
        std::atomic<int> cancelled = 0;
        const auto main = [&]() -> Coro<> {
            if (waiting == 0) {
                press_ctrl_c();
            } else {
                weft::get_running_loop().call_soon(&press_ctrl_c);
            }
            co_await wait_for_ever(waiting, cancelled);
        };
        for (int round = 1; round < 4; ++round) {
            CHECK(interrupted([&] { runner.run(main()); }));
            CHECK(cancelled == round);
            CHECK((disposition(SIGINT) == SIG_DFL));
        }
        CHECK(runner.run(give(3)) == 3);
    }
}

TEST_CASE("rule 209: a main task that ends normally after Ctrl-C gives its result") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const auto main = [](bool uncancels) -> Coro<int> {
            try {
                press_ctrl_c();
                co_await weft::create_future<>();
            } catch (const CancelledError&) {
                if (uncancels) weft::current_task().uncancel();
            }
            co_await weft::sleep(0s);
            co_return 7;
        };
        CHECK(weft::run(main(true), {.loops = loops}) == 7);
        CHECK(weft::run(main(false), {.loops = loops}) == 7);
    }
}

TEST_CASE("rule 209: a main task that somebody else cancelled too ends with CancelledError") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const auto main = []() -> Coro<> {
            try {
                press_ctrl_c();
                co_await weft::create_future<>();
            } catch (const CancelledError&) {
            }
            weft::current_task().cancel("mine");
            co_await weft::sleep(0s);
        };
        bool cancelled = false;
        try {
            weft::run(main(), {.loops = loops});
        } catch (const CancelledError&) {
            cancelled = true;
        }
        CHECK(cancelled);
    }
}

TEST_CASE("rule 209: a second Ctrl-C throws KeyboardInterrupt at once; main is swept") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        std::atomic<int> cancels = 0;
        const auto main = [&]() -> Coro<> {
            press_ctrl_c();
            for (;;) {
                try {
                    co_await weft::create_future<>();
                } catch (const CancelledError&) {
                    if (++cancels == 2) throw;
                }
                press_ctrl_c();
            }
        };
        CHECK(interrupted([&] { runner.run(main()); }));
        CHECK(cancels == 1);
        CHECK((disposition(SIGINT) == SIG_DFL));
        runner.close();
        CHECK(cancels == 2);
    }
}

TEST_CASE("rule 209: Ctrl-C in main's last step is not lost") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const auto main = []() -> Coro<int> {
            press_ctrl_c();
            co_return 1;
        };
        CHECK(interrupted([&] { (void)weft::run(main(), {.loops = loops}); }));
    }
}

TEST_CASE("rule 209: test_interrupt_call_soon, test_interrupt_wait: main turns the cancellation into one of its own") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        for (const bool waits : {false, true}) {
            CAPTURE(waits);
            std::atomic<int> started = 0;
            std::jthread user([&] {
                while (started == 0) std::this_thread::yield();
                press_ctrl_c();
            });
            const auto main = [&]() -> Coro<> {
                ++started;
                try {
                    for (;;) co_await weft::sleep(waits ? 10s : 0s);
                } catch (const CancelledError&) {
                }
                throw CancelledError();
            };
            CHECK(interrupted([&] { weft::run(main(), {.loops = loops}); }));
        }
    }
}

TEST_CASE("rule 209: test_interrupt_cancelled_task: interrupting a cancelled main task throws CancelledError") {
    const DefaultSigint reset;
    const auto cancel = [](weft::AnyTask main) -> Coro<> {
        co_await weft::sleep(0s);
        main.cancel();
        press_ctrl_c();
    };
    const auto main = [&]() -> Coro<> {
        (void)weft::create_task(cancel(weft::current_task()));
        co_await weft::sleep(10s);
    };
    bool cancelled = false;
    try {
        weft::run(main(), {.loops = 1});
    } catch (const CancelledError&) {
        cancelled = true;
    }
    CHECK(cancelled);
}

TEST_CASE("rule 209: two presses that are seen in one turn throw KeyboardInterrupt") {
    const DefaultSigint reset;
    // The first one cancels main, which is not asked before the second one.
    const auto main = []() -> Coro<> {
        press_ctrl_c();
        press_ctrl_c();
        co_await weft::create_future<>();
    };
    CHECK(interrupted([&] { weft::run(main(), {.loops = 1}); }));
    CHECK((disposition(SIGINT) == SIG_DFL));
}

TEST_CASE("rule 209: the program's own handler stays, and another thread's run installs none") {
    {
        const DefaultSigint reset;
        ::signal(SIGINT, &ignore_signal);
        const auto main = []() -> Coro<bool> {
            press_ctrl_c();
            co_await weft::sleep(0s);
            co_return disposition(SIGINT) == &ignore_signal;
        };
        const bool kept = weft::run(main(), {.loops = 1});
        CHECK(kept);
        CHECK((disposition(SIGINT) == &ignore_signal));
    }
    const DefaultSigint reset;
    bool untouched = false;
    const auto look = []() -> Coro<bool> { co_return disposition(SIGINT) == SIG_DFL; };
    std::thread([&] { untouched = weft::run(look(), {.loops = 1}); }).join();
    CHECK(untouched);
}

TEST_CASE("rule 210: the disposition of SIGINT is restored after each run, but not the program's new one replaced") {
    const DefaultSigint reset;
    Runner runner({.loops = 2});
    const auto look = []() -> Coro<bool> { co_return disposition(SIGINT) != SIG_DFL; };
    const auto fail = []() -> Coro<> {
        throw std::runtime_error("once");
        co_return;
    };
    for (int round = 0; round < 3; ++round) {
        CHECK(runner.run(look()));
        CHECK((disposition(SIGINT) == SIG_DFL));
        CHECK(error_of([&] { runner.run(fail()); }) == "once");
        CHECK((disposition(SIGINT) == SIG_DFL));
    }
    const auto install = []() -> Coro<> {
        ::signal(SIGINT, &ignore_signal);
        co_return;
    };
    runner.run(install());
    CHECK((disposition(SIGINT) == &ignore_signal));
}

TEST_CASE("rule 210: a signal handler of the program's own takes the place of Ctrl-C") {
    const DefaultSigint reset;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        std::atomic<int> pressed = 0;
        Runner runner({.loops = loops});
        const auto handle = [&]() -> Coro<> {
            auto* first = static_cast<Loop*>(weft::get_running_loop().group().loops().front());
            const weft::Future<> ready = weft::create_future<>();
            first->call_soon_threadsafe([&, ready] {
                first->add_signal_handler(SIGINT, [&] { ++pressed; });
                ready.set_result();
            });
            co_await ready;
            press_ctrl_c();
            co_await until(pressed, 1);
            press_ctrl_c();
            co_await until(pressed, 2);
        };
        runner.run(handle());
        CHECK(pressed == 2);
        CHECK((disposition(SIGINT) != SIG_DFL));
        CHECK(runner.run(give(3)) == 3);  // the handler is the program's: run() leaves it alone
        CHECK((disposition(SIGINT) != SIG_DFL));
        runner.close();
        CHECK((disposition(SIGINT) == SIG_DFL));
    }
}

TEST_CASE("pressed three times in one step (a process of its own)" * doctest::skip()) {
    ::signal(SIGINT, SIG_DFL);
    const auto stuck = []() -> Coro<> {
        for (int i = 0; i < 3; ++i) ::raise(SIGINT);
        std::_Exit(1);
        co_return;
    };
    weft::run(stuck(), {.loops = 1});
    std::_Exit(2);
}

TEST_CASE("Ctrl-C that the loop does not see because it does not turn: the third ends the program") {
    const pid_t child = ::fork();
    if (child == 0) {
        // Not in the forked process itself: ThreadSanitizer delivers no signals there if other threads were left behind.
        ::execl("/proc/self/exe", "pressed", "--no-skip", "--test-case=pressed three times*", nullptr);
        std::_Exit(3);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CAPTURE(status);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("rule 206: all runs of a Runner share one context, a copy of its first user's") {
    const weft::ContextVar<int> number{"number", -1};
    const auto exchange = [&](int value) -> Coro<int> {
        const int before = number.get();
        number.set(value);
        co_return before;
    };
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        CHECK(runner.run(exchange(1)) == -1);
        CHECK(runner.run(exchange(2)) == 1);
        CHECK(runner.run(exchange(3)) == 2);
        CHECK(number.get() == -1);
        Runner other({.loops = loops});
        CHECK(other.run(exchange(1)) == -1);
    }
}
