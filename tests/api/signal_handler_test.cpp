// loop.add_signal_handler: CPython's test_unix_events SelectorEventLoopSignalTests, and what many loops add.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "api/weft.hpp"
#include "tests/support/reports.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::Loop;
using weft::Runner;
using weft::test::Reports;

namespace {

bool is_default(int signal) {
    struct sigaction action{};
    sigaction(signal, nullptr, &action);
    return action.sa_handler == SIG_DFL;
}

template <class Error>
std::string text_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

Coro<> until(const std::atomic<int>& value, int wanted) {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    while (value.load() < wanted) {
        if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("until: the value did not come");
        co_await weft::sleep(1ms);
    }
}

}  // namespace

TEST_CASE("a signal handler runs on the loop, once per signal, until it is removed") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        Runner runner({.loops = loops});
        Loop& loop = runner.get_loop();
        std::atomic<int> calls = 0;
        std::thread::id thread;
        loop.add_signal_handler(SIGUSR1, [&] {
            thread = std::this_thread::get_id();
            ++calls;
        });
        CHECK_FALSE(is_default(SIGUSR1));
        ::raise(SIGUSR1);  // before the loop runs
        CHECK(calls == 0);
        runner.run(until(calls, 1));
        const auto main = [&]() -> Coro<> {
            for (int i = 2; i < 20; ++i) {
                ::kill(::getpid(), SIGUSR1);
                co_await until(calls, i);
            }
        };
        runner.run(main());
        CHECK(calls == 19);
        CHECK(thread == std::this_thread::get_id());
        CHECK(loop.remove_signal_handler(SIGUSR1));
        CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
        CHECK(is_default(SIGUSR1));
    }
}

TEST_CASE("a parked loop is woken by a signal, whichever thread gets it") {
    Runner runner({.loops = 2});
    Loop& loop = runner.get_loop();
    for (int round = 0; round < 20; ++round) {
        const weft::Future<> came = weft::create_future<>();
        loop.add_signal_handler(SIGUSR2, [came] { came.set_result(); });
        std::jthread other([] { ::raise(SIGUSR2); });
        runner.run(came);
    }
    CHECK(loop.remove_signal_handler(SIGUSR2));
}

TEST_CASE("two signals, one replaced handler, one that fails") {
    const Reports reports;
    Loop loop;
    std::atomic<int> first = 0;
    std::atomic<int> second = 0;
    const auto held = std::make_shared<int>(0);
    loop.add_signal_handler(SIGUSR1, [held] {});
    loop.add_signal_handler(SIGUSR1, [&] {
        ++first;
        throw std::runtime_error("failing");
    });
    CHECK(held.use_count() == 1);
    loop.add_signal_handler(SIGUSR2, [&] {
        ++second;
        CHECK(loop.remove_signal_handler(SIGUSR2));  // itself
    });
    ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    loop.run_until_complete(until(second, 1));
    ::raise(SIGUSR1);
    loop.run_until_complete(until(first, 2));
    CHECK(is_default(SIGUSR2));
    CHECK(reports.count("Exception in callback | std::runtime_error: failing") == 2);
    loop.close();
    CHECK(is_default(SIGUSR1));
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
    CHECK(text_of<std::runtime_error>([&] { loop.add_signal_handler(SIGUSR1, [] {}); }) == "Event loop is closed");
}

TEST_CASE("what is no signal, what cannot be caught and what another loop handles is refused by number") {
    Loop loop;
    for (const int signal : {0, -1, 65, 1000, 32}) {
        const std::string text = "invalid signal number " + std::to_string(signal);
        CHECK(text_of<std::invalid_argument>([&] { loop.add_signal_handler(signal, [] {}); }) == text);
        CHECK(text_of<std::invalid_argument>([&] { loop.remove_signal_handler(signal); }) == text);
    }
    for (const int signal : {SIGKILL, SIGSTOP}) {
        const std::string text = "sig " + std::to_string(signal) + " cannot be caught";
        CHECK(text_of<std::runtime_error>([&] { loop.add_signal_handler(signal, [] {}); }) == text);
        CHECK_FALSE(loop.remove_signal_handler(signal));
    }
    loop.add_signal_handler(SIGUSR1, [] {});
    Loop other;
    CHECK(text_of<std::runtime_error>([&] { other.add_signal_handler(SIGUSR1, [] {}); }).find("sig 10 is handled") ==
          0);
    CHECK_FALSE(is_default(SIGUSR1));
    loop.remove_signal_handler(SIGUSR1);
    other.add_signal_handler(SIGUSR1, [] {});
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
    CHECK(other.remove_signal_handler(SIGUSR1));
}

TEST_CASE("only the first loop of a group handles signals") {
    const auto main = []() -> Coro<std::string> {
        Loop* last = weft::get_loops().back();
        const weft::Future<std::string> text = weft::create_future<std::string>();
        last->call_soon_threadsafe(
            [=] { text.set_result(text_of<std::runtime_error>([=] { last->add_signal_handler(SIGUSR1, [] {}); })); });
        co_return co_await text;
    };
    const std::string text = weft::run(main(), {.loops = 2});
    CHECK(text.find("sig 10 cannot be handled on this event loop") == 0);
    CHECK(is_default(SIGUSR1));
}
