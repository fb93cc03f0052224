// Readiness: callbacks and awaits on descriptors of any kind, one loop and several, real time, no sleeps.
#include "io/readiness.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/weft.hpp"
#include "scheduler/condvar_parker.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/reports.hpp"

using namespace std::chrono_literals;
using weft::CancelledError;
using weft::Coro;
using weft::Loop;
using weft::Task;
using weft::wait_readable;
using weft::wait_writable;
using weft::test::Descriptor;
using weft::test::get;
using weft::test::put;
using weft::test::Reports;
using weft::test::SocketPair;

using Log = std::vector<std::string>;

namespace {

// The error number of the std::system_error that a call throws; 0 if none.
int errno_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const std::system_error& error) {
        return error.code().value();
    }
    return 0;
}

template <class Awaitable>
Coro<int> errno_awaiting(Awaitable awaitable) {
    int number = 0;
    try {
        co_await std::move(awaitable);
    } catch (const std::system_error& error) {
        number = error.code().value();
    }
    co_return number;
}

Coro<> turns(int count) {
    for (int i = 0; i < count; ++i) co_await weft::sleep(0s);
}

// Turns until `log` has so many entries; throws instead of hanging. On one loop.
Coro<> until_size(const Log& log, std::size_t size) {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    while (log.size() < size) {
        if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("until_size: nothing came");
        co_await weft::sleep(0s);
    }
}

Coro<> log_when_readable(int fd, std::string name, Log& log) {
    co_await wait_readable(fd);
    log.push_back(name);
}

}  // namespace

// --- awaits -------------------------------------------------------------------------------------------------------

TEST_CASE("wait_readable ends when there is something to read, wait_writable when there is room") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const SocketPair pair;
        const auto main = [&]() -> Coro<std::string> {
            co_await wait_writable(pair.here.get());
            const auto reader = weft::create_task(wait_readable(pair.there.get()));
            co_await turns(3);
            if (reader.done()) throw std::runtime_error("too early");
            put(pair.here.get(), "hello");
            co_await reader;
            co_await wait_readable(pair.there.get());  // there still is something
            co_return get(pair.there.get());
        };
        const std::string text = weft::run(main(), {.loops = loops});
        CHECK(text == "hello");
    }
}

TEST_CASE("a parked loop is woken by a descriptor that another thread writes to") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const SocketPair pair;
        std::atomic<bool> waiting = false;
        std::jthread writer([&] {
            while (!waiting) std::this_thread::yield();
            put(pair.there.get(), "x");
        });
        const auto main = [&]() -> Coro<> {
            waiting = true;
            co_await wait_readable(pair.here.get());
        };
        weft::run(main(), {.loops = loops});
        CHECK(get(pair.here.get()) == "x");
    }
}

TEST_CASE("all that wait for one descriptor end with one event, in the order in which they came") {
    const SocketPair pair;
    Log log;
    const auto main = [&]() -> Coro<> {
        const auto a = weft::create_task(log_when_readable(pair.here.get(), "a", log));
        const auto b = weft::create_task(log_when_readable(pair.here.get(), "b", log));
        const auto c = weft::create_task(log_when_readable(pair.here.get(), "c", log));
        co_await wait_writable(pair.here.get());  // the other side, at the same time
        put(pair.there.get(), "x");
        co_await a;
        co_await b;
        co_await c;
    };
    weft::run(main(), {.loops = 1});
    CHECK(log == Log{"a", "b", "c"});
}

TEST_CASE("pipes, eventfds, timerfds and hang-ups can be waited for; flags stay as they are") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const Descriptor out(ends[0]);
    Descriptor in(ends[1]);
    const Descriptor event(::eventfd(0, 0));
    const Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, 0));
    const itimerspec soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1}};
    REQUIRE(::timerfd_settime(timer.get(), 0, &soon, nullptr) == 0);
    const auto main = [&]() -> Coro<> {
        co_await wait_readable(timer.get());
        co_await wait_writable(event.get());
        put(event.get(), std::string(8, '\1'));
        co_await wait_readable(event.get());
        co_await wait_writable(in.get());
        auto hung_up = weft::create_task(wait_readable(out.get()));
        co_await turns(2);
        in.close();
        co_await hung_up;
    };
    weft::run(main(), {.loops = 1});
    CHECK((::fcntl(out.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(event.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("what is no descriptor is EBADF, a regular file EPERM, and nothing is left behind") {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
    const int regular = ::fileno(file.get());
    const SocketPair pair;
    const auto main = [&]() -> Coro<std::vector<int>> {
        std::vector<int> errors;
        errors.push_back(co_await errno_awaiting(wait_readable(-1)));
        errors.push_back(co_await errno_awaiting(wait_writable(12345)));
        errors.push_back(co_await errno_awaiting(wait_readable(regular)));
        Loop& loop = weft::get_running_loop();
        errors.push_back(errno_of([&] { loop.add_reader(-1, [] {}); }));
        errors.push_back(errno_of([&] { loop.add_writer(regular, [] {}); }));
        errors.push_back(loop.remove_reader(-1) || loop.remove_writer(regular) ? 1 : 0);
        errors.push_back(co_await errno_awaiting(wait_writable(pair.here.get())));
        co_return errors;
    };
    const std::vector<int> errors = weft::run(main(), {.loops = 1});
    CHECK(errors == std::vector<int>{EBADF, EBADF, EPERM, EBADF, EPERM, 0, 0});
}

TEST_CASE("a cancelled wait leaves nothing behind, others and callbacks go on") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const SocketPair pair;
        const auto main = [&]() -> Coro<bool> {
            auto first = weft::create_task(wait_readable(pair.here.get()));
            auto second = weft::create_task(wait_readable(pair.here.get()));
            co_await turns(3);
            first.cancel();
            bool cancelled = false;
            try {
                co_await first;
            } catch (const CancelledError&) {
                cancelled = true;
            }
            put(pair.there.get(), "x");
            co_await second;
            for (int i = 0; i < 100; ++i) {
                auto wait = weft::create_task(wait_readable(pair.there.get()));
                co_await turns(i % 3);
                wait.cancel();
            }
            put(pair.here.get(), "y");
            co_await wait_readable(pair.there.get());
            co_return cancelled;
        };
        const bool cancelled = weft::run(main(), {.loops = loops});
        CHECK(cancelled);
    }
}

TEST_CASE("waits on several loops race with events and cancels from everywhere; each ends once") {
    const SocketPair pair;
    std::atomic<int> ended = 0;
    std::atomic<int> cancelled = 0;
    int done = 0;
    const auto wait = [&](int fd) -> Coro<> {
        try {
            co_await wait_readable(fd);
            ++ended;
        } catch (const CancelledError&) {
            ++cancelled;
        }
    };
    constexpr int kRounds = 300;
    const auto main = [&]() -> Coro<> {
        for (int round = 0; round < kRounds; ++round) {
            std::vector<Task<>> waits;
            for (weft::Loop* loop : weft::get_loops()) {
                waits.push_back(weft::create_task(wait(pair.here.get()), {.loop = loop}));
            }
            if (round % 2 == 0) co_await turns(2);
            put(pair.there.get(), "x");
            for (const Task<>& each : waits) each.cancel();
            for (const Task<>& each : waits) {
                try {
                    co_await each;
                } catch (const CancelledError&) {  // NOLINT(bugprone-empty-catch): before its first step or at its end
                }
                ++done;
            }
            (void)get(pair.here.get());
        }
    };
    weft::run(main(), {.loops = 3});
    CHECK(done == 3 * kRounds);
    CHECK(ended + cancelled <= done);
    CHECK(ended + cancelled > 0);
}

// ThreadSanitizer sees whether a loop still asks the kernel about a descriptor whose waiter was told already.
TEST_CASE("who waited may close the descriptor at once, on whatever loop it goes on") {
    int ended = 0;
    const auto wait_and_close = [](Descriptor fd) -> Coro<int> {
        int by_event = 1;
        try {
            co_await wait_readable(fd.get());
        } catch (const CancelledError&) {
            by_event = 0;
        }
        fd.close();
        co_return by_event;
    };
    constexpr int kRounds = 1000;
    const auto main = [&]() -> Coro<> {
        for (int round = 0; round < kRounds; ++round) {
            SocketPair pair;
            auto waiting = weft::create_task(wait_and_close(std::move(pair.here)), {.loop = weft::any_loop});
            co_await turns(1 + round % 3);
            if (round % 2 == 0) {
                put(pair.there.get(), "x");
            } else {
                waiting.cancel();
            }
            try {
                ended += co_await waiting;
            } catch (const CancelledError&) {  // NOLINT(bugprone-empty-catch): before its first step
            }
        }
    };
    weft::run(main(), {.loops = 3});
    CHECK(ended == kRounds / 2);
}

TEST_CASE("a number that was closed and given out again while it was waited for is found again") {
    const auto main = []() -> Coro<> {
        auto first = std::make_unique<SocketPair>();
        const int number = first->here.get();
        auto lost = weft::create_task(wait_readable(number));
        co_await turns(2);
        first->here.close();
        SocketPair second;
        const Descriptor again(::dup2(second.here.get(), number));
        auto found = weft::create_task(wait_readable(number));
        co_await turns(2);
        put(second.there.get(), "x");
        co_await found;
        co_await lost;
    };
    weft::run(main(), {.loops = 1});
}

TEST_CASE("what was closed while it was waited for, but lives on as a copy, does not keep the loop awake") {
    const auto main = []() -> Coro<std::uint64_t> {
        SocketPair pair;
        const SocketPair other;
        const Descriptor copy(::dup(pair.here.get()));
        auto wait = weft::create_task(wait_readable(pair.here.get()));
        auto stays = weft::create_task(wait_readable(other.here.get()));
        co_await turns(2);
        pair.here.close();
        wait.cancel();
        put(pair.there.get(), "x");
        co_await weft::sleep(1ms);
        const Loop& loop = weft::get_running_loop();
        const std::uint64_t before = loop.parks();
        co_await weft::sleep(20ms);
        const std::uint64_t parks = loop.parks() - before;
        put(other.there.get(), "x");
        co_await stays;
        co_return parks;
    };
    const std::uint64_t parks = weft::run(main(), {.loops = 1});
    CHECK(parks < 10);
}

TEST_CASE("tasks that still wait when a loop closes are destroyed with it") {
    const Reports reports;
    const SocketPair pair;
    const auto held = std::make_shared<int>(0);
    {
        Loop loop;
        const auto wait = [](int fd, std::shared_ptr<int> keep) -> Coro<> {
            co_await wait_readable(fd);
            ++*keep;
        };
        const auto waiting = loop.create_task(wait(pair.here.get(), held));
        loop.add_reader(pair.here.get(), [held] {});
        loop.run_until_complete(turns(3));
        CHECK(held.use_count() == 3);
    }
    CHECK(held.use_count() == 1);
    CHECK(reports.count("Task was destroyed but it is pending!") == 1);
}

TEST_CASE("a loop that listens to nothing says so") {
    Loop loop(std::make_unique<weft::scheduler::CondvarParker>());
    const SocketPair pair;
    CHECK_THROWS_AS(loop.add_reader(pair.here.get(), [] {}), std::runtime_error);
}

// --- callbacks ----------------------------------------------------------------------------------------------------

TEST_CASE("rule 257: a reader is called each turn while there is something to read") {
    const SocketPair pair;
    Log log;
    const auto main = [&]() -> Coro<> {
        Loop& loop = weft::get_running_loop();
        loop.add_reader(pair.here.get(), [&] { log.emplace_back("read"); });
        co_await turns(200);
        if (!log.empty()) throw std::runtime_error("called without reason");
        put(pair.there.get(), "x");
        co_await until_size(log, 3);
        (void)get(pair.here.get());
        co_await turns(200);  // one that was under way
        const std::size_t calls = log.size();
        co_await turns(500);
        if (log.size() != calls) throw std::runtime_error("called without reason");
        if (!loop.remove_reader(pair.here.get())) throw std::runtime_error("not there");
        if (loop.remove_reader(pair.here.get())) throw std::runtime_error("still there");
    };
    weft::run(main(), {.loops = 1});
    CHECK(log.size() >= 3);
}

TEST_CASE("rule 257: add_reader replaces the callback, removers say whether there was one") {
    const SocketPair pair;
    Log log;
    const auto main = [&]() -> Coro<> {
        Loop& loop = weft::get_running_loop();
        const auto old = std::make_shared<int>(0);
        loop.add_reader(pair.here.get(), [old, &log] { log.emplace_back("old"); });
        loop.add_reader(pair.here.get(), [&] {
            log.emplace_back("new");
            loop.remove_reader(pair.here.get());  // itself
        });
        if (old.use_count() != 1) throw std::runtime_error("the old callable is kept");
        loop.add_writer(pair.here.get(), [&] {
            log.emplace_back("write");
            if (!loop.remove_writer(pair.here.get())) throw std::runtime_error("not there");
        });
        co_await until_size(log, 1);
        put(pair.there.get(), "x");
        co_await until_size(log, 2);
        co_await turns(200);
        if (loop.remove_reader(pair.here.get())) throw std::runtime_error("still there");
        if (loop.remove_writer(pair.here.get())) throw std::runtime_error("still there");
    };
    weft::run(main(), {.loops = 1});
    CHECK(log == Log{"write", "new"});
}

TEST_CASE("a callback that fails is reported and is called again; SystemExit leaves run") {
    const Reports reports;
    const SocketPair pair;
    int calls = 0;
    const auto main = [&]() -> Coro<> {
        weft::get_running_loop().add_writer(pair.here.get(), [&] {
            if (++calls < 3) throw std::runtime_error("failing");
            throw weft::SystemExit(5);
        });
        co_await weft::create_future<>();
    };
    std::optional<int> code;
    try {
        weft::run(main(), {.loops = 1});
    } catch (const weft::SystemExit& exit) {
        code = exit.code();
    }
    CHECK(code == 5);
    CHECK(calls == 3);
    CHECK(reports.count("Exception in callback | std::runtime_error: failing") == 2);
}

TEST_CASE("a callback runs in the context in which it was added") {
    const SocketPair pair;
    const weft::ContextVar<int> number{"number", 0};
    const auto main = [&]() -> Coro<int> {
        Loop& loop = weft::get_running_loop();
        const weft::Future<int> seen = weft::create_future<int>();
        number.set(1);
        loop.add_writer(pair.here.get(), [&, seen] {
            loop.remove_writer(pair.here.get());
            seen.set_result(number.get());
        });
        number.set(2);
        co_return co_await seen;
    };
    const int seen = weft::run(main(), {.loops = 1});
    CHECK(seen == 1);
}

TEST_CASE("a closed loop refuses callbacks, and another thread's running one, too") {
    const SocketPair pair;
    Loop loop;
    loop.add_reader(pair.here.get(), [] {});
    loop.close();
    CHECK_THROWS_WITH_AS(loop.add_reader(pair.here.get(), [] {}), "Event loop is closed", std::runtime_error);
    CHECK_FALSE(loop.remove_reader(pair.here.get()));
    weft::Runtime runtime({.loops = 1});
    CHECK_THROWS_AS(runtime.loop(0).add_reader(pair.here.get(), [] {}), std::runtime_error);
}
