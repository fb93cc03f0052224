// run and Runtime: a program's main task on one loop and on many, from its options to what is left at its end; where
// tasks run, who may ask from another thread, and that idle loops sleep.
//
// No test waits for time to pass; threads meet through Countdown, which gives up instead of hanging.
#include "api/runtime.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/make_loops.hpp"
#include "api/runner.hpp"
#include "scheduler/neighbours.hpp"
#include "scheduler/usable_cores.hpp"
#include "sync/fork_join.hpp"
#include "sync/gather.hpp"
#include "sync/sleep.hpp"
#include "tests/support/countdown.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"

using namespace std::chrono_literals;
using weft::CancelledError;
using weft::Coro;
using weft::Loop;
using weft::Runtime;
using weft::Task;
using weft::test::Countdown;
using weft::test::Reports;

namespace {

using ThreadId = std::thread::id;

// Sets a variable of the environment, or takes it away, for the time of a test.
class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) {
        if (const char* before = std::getenv(name)) before_ = before;
        set(value);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { set(before_ ? before_->c_str() : nullptr); }

private:
    void set(const char* value) const {
        if (value != nullptr) {
            setenv(name_, value, 1);
        } else {
            unsetenv(name_);
        }
    }
    const char* name_;
    std::optional<std::string> before_;
};

Coro<int> give(int value) { co_return value; }

Coro<> nothing() { co_return; }

Coro<> wait_for_ever() { co_await weft::create_future<>(); }

Coro<std::size_t> count_loops() { co_return weft::get_running_loop().group().size(); }

Coro<ThreadId> where() { co_return std::this_thread::get_id(); }

// Where a task runs, at several steps of it.
Coro<std::set<ThreadId>> trail() {
    std::set<ThreadId> seen;
    for (int step = 0; step < 8; ++step) {
        seen.insert(std::this_thread::get_id());
        co_await weft::sleep(step % 2 == 0 ? 0us : 200us);
    }
    co_return seen;
}

// Turns until `value` is `wanted`; throws instead of hanging.
Coro<> until(const std::atomic<int>& value, int wanted) {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    while (value.load() != wanted) {
        if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("until: the value did not come");
        co_await weft::sleep(0s);
    }
}

// The text of what a call throws; "" if nothing.
template <class Error>
std::string text_thrown_by(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

// Every loop of a Runtime slept only when it might: no park had to be ended by its safety limit.
void check_no_rescues(const Runtime& runtime) {
    for (std::size_t i = 0; i < runtime.loops(); ++i) CHECK(runtime.loop(i).rescues() == 0);
}

}  // namespace

// --- run ----------------------------------------------------------------------------------------------------------

TEST_CASE("run gives what main returns") {
    for (const int loops : {1, 2, 3}) {
        CAPTURE(loops);
        CHECK(weft::run(give(7), {.loops = loops}) == 7);
        CHECK(weft::run(count_loops(), {.loops = loops}) == static_cast<std::size_t>(loops));
        CHECK_NOTHROW(weft::run(nothing(), {.loops = loops}));
        CHECK(weft::run(weft::sleep(1ms, 9), {.loops = loops}) == 9);
        const auto move_only = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
        CHECK(*weft::run(move_only(), {.loops = loops}) == 8);
    }
}

TEST_CASE("run throws what main throws") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const auto fail = []() -> Coro<int> {
            co_await weft::sleep(0s);
            throw std::out_of_range("too far");
        };
        CHECK_THROWS_WITH_AS(weft::run(fail(), {.loops = loops}), "too far", std::out_of_range);
    }
}

TEST_CASE("rule 205: run throws CancelledError if main ends cancelled") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const auto cancel_self = []() -> Coro<> {
            weft::current_task().cancel("enough");
            co_await weft::sleep(1h);
        };
        try {
            weft::run(cancel_self(), {.loops = loops});
            FAIL("no exception");
        } catch (const CancelledError& error) {
            CHECK(error.message() == "enough");
        }
    }
}

TEST_CASE("rule 201: run inside run is refused, and the outer one stays usable") {
    for (const int loops : {1, 2}) {
        CAPTURE(loops);
        const auto main = []() -> Coro<std::string> {
            std::string text = text_thrown_by<std::runtime_error>([] { weft::run(give(1)); });
            const auto [a, b] = co_await weft::gather(give(1), weft::sleep(1ms, 2));
            co_return text + " " + std::to_string(a + b);
        };
        const char* const text = "weft::run() cannot be called from a running event loop: expected co_await 3";
        CHECK(weft::run(main(), {.loops = loops}) == text);
        CHECK(weft::run(main(), {.loops = loops}) == text);
    }
}

TEST_CASE("impossible numbers of loops are refused by name, value and expectation") {
    const char* const expected = ": expected 0 (one loop per usable core) or 1 to 1024";
    for (const int loops : {-1, 5000}) {
        const std::string text = "loops is " + std::to_string(loops) + expected;
        CHECK(text_thrown_by<std::invalid_argument>([&] { weft::run(give(1), {.loops = loops}); }) == text);
        CHECK(text_thrown_by<std::invalid_argument>([&] { const Runtime runtime({.loops = loops}); }) == text);
    }
    for (const char* const loops : {"x", "-1", "99999", "3x", " 3", "1e3", "99999999999999999999999"}) {
        const Environment environment("WEFT_LOOPS", loops);
        const std::string text = std::string("WEFT_LOOPS is ") + loops + expected;
        CHECK(text_thrown_by<std::invalid_argument>([] { weft::run(give(1)); }) == text);
        CHECK(text_thrown_by<std::invalid_argument>([] { const Runtime runtime; }) == text);
        CHECK(weft::run(give(2), {.loops = 1}) == 2);  // not asked
    }
    CHECK(weft::run(give(3), {.loops = 1}) == 3);
}

TEST_CASE("WEFT_LOOPS takes the place of 0, and 0 or nothing is one loop per usable core") {
    const std::size_t cores = weft::scheduler::usable_cores();
    {
        const Environment environment("WEFT_LOOPS", "3");
        CHECK(weft::run(count_loops()) == 3);
        CHECK(weft::run(count_loops(), {.loops = 2}) == 2);
        const Runtime runtime;
        CHECK(runtime.loops() == 3);
    }
    for (const char* const none : {"0", "", static_cast<const char*>(nullptr)}) {
        const Environment environment("WEFT_LOOPS", none);
        CHECK(weft::run(count_loops()) == cores);
        CHECK(weft::run(count_loops(), {.loops = std::size_t{0}}) == cores);
    }
}

TEST_CASE("debug comes from the options or from WEFT_DEBUG, and in debug builds always") {
    const bool always = weft::scheduler::Threads::kDebugBuild;
    const auto debug = [](bool option) {
        return weft::detail::thread_options(weft::detail::with_environment({.loops = 1, .debug = option})).bounds_parks;
    };
    for (const char* const off : {"0", "", static_cast<const char*>(nullptr)}) {
        const Environment environment("WEFT_DEBUG", off);
        CHECK(debug(false) == always);
        CHECK(debug(true));
    }
    const Environment environment("WEFT_DEBUG", "1");
    CHECK(debug(false));
}

TEST_CASE("parks are bounded if the options say so, in every build") {
    using weft::detail::thread_options;
    using weft::detail::with_environment;
    CHECK(thread_options(with_environment({.loops = 1, .bounds_parks = true})).bounds_parks);
}

TEST_CASE("pin_threads runs like any other") {
    CHECK(weft::run(count_loops(), {.loops = 3, .pin_threads = true}) == 3);
}

// --- what is left at the end --------------------------------------------------------------------------------------

namespace {

// Waits for ever. Cancelled, it makes another one of its kind, `more` times.
Coro<> stubborn(int more, std::atomic<int>& started, std::atomic<int>& cancelled) {
    ++started;
    bool was_cancelled = false;
    try {
        co_await weft::sleep(1h);
    } catch (const CancelledError&) {
        was_cancelled = true;
    }
    co_await weft::sleep(0s);  // the end takes turns, too
    if (was_cancelled) ++cancelled;
    // It must have begun before the sweep comes to it: a task that is cancelled earlier is never entered.
    if (more == 0) co_return;
    const int before = started.load();
    (void)weft::create_task(stubborn(more - 1, started, cancelled));
    while (started.load() == before) co_await weft::sleep(0s);
}

}  // namespace

TEST_CASE("rule 203: tasks that are left are cancelled and awaited, also those made during the sweep") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        std::atomic<int> started = 0;
        std::atomic<int> cancelled = 0;
        SUBCASE("after main has returned") {
            const auto main = [&](int count) -> Coro<> {
                for (int i = 0; i < count; ++i) (void)weft::create_task(stubborn(0, started, cancelled));
                co_await until(started, count);
            };
            weft::run(main(20), {.loops = loops});
            CHECK(cancelled == 20);
        }
        SUBCASE("generations of them") {
            const auto main = [&]() -> Coro<> {
                (void)weft::create_task(stubborn(5, started, cancelled));
                co_await until(started, 1);
            };
            weft::run(main(), {.loops = loops});
            CHECK(started == 6);
            CHECK(cancelled == 6);
        }
        SUBCASE("after main has failed") {
            const auto main = [&]() -> Coro<> {
                (void)weft::create_task(stubborn(0, started, cancelled), {.loop = &weft::get_running_loop()});
                co_await until(started, 1);
                throw std::runtime_error("main failed");
            };
            CHECK_THROWS_WITH_AS(weft::run(main(), {.loops = loops}), "main failed", std::runtime_error);
            CHECK(cancelled == 1);
        }
        SUBCASE("a Runtime's, when it stops") {
            Runtime runtime({.loops = loops});
            const auto main = [&](int count) -> Coro<> {
                for (int i = 0; i < count; ++i) (void)weft::create_task(stubborn(1, started, cancelled));
                co_await until(started, count);
            };
            runtime.run(main(1));
            runtime.stop();
            CHECK(started == 2);
            CHECK(cancelled == 2);
        }
    }
}

TEST_CASE("rule 76: a task that is cancelled before its first step is never entered") {
    const auto held = std::make_shared<int>(0);
    const auto count = [](std::shared_ptr<int> counter) -> Coro<> {
        ++*counter;
        co_return;
    };
    const auto main = [&]() -> Coro<> {
        weft::create_task(count(held)).cancel();
        co_return;
    };
    weft::run(main(), {.loops = 1});
    CHECK(held.use_count() == 1);
    CHECK(*held == 0);
}

TEST_CASE("rule 202: a task that fails while it is cancelled at the end is reported by name") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const Reports reports;
        std::atomic<int> started = 0;
        const auto fail_at_end = [&]() -> Coro<> {
            ++started;
            try {
                co_await weft::sleep(1h);
            } catch (const CancelledError&) {
                throw std::runtime_error("failed while cleaning up");
            }
        };
        const auto main = [&]() -> Coro<> {
            (void)weft::create_task(fail_at_end(), {.name = "cleaner"});
            co_await until(started, 1);
        };
        weft::run(main(), {.loops = loops});
        CHECK(reports.count("run() shutdown | std::runtime_error: failed while cleaning up") == 1);
        CHECK(reports.count("name='cleaner'") == 1);
        CHECK(reports.all().size() == 1);
    }
}

TEST_CASE("rule 69: a failure that nobody saw is reported when its last handle goes") {
    const Reports reports;
    const auto fail = []() -> Coro<> {
        throw std::runtime_error("unseen");
        co_return;
    };
    const auto main = [&]() -> Coro<> {
        (void)weft::create_task(fail());
        for (int i = 0; i < 3; ++i) co_await weft::sleep(0s);
    };
    weft::run(main(), {.loops = 1});
    CHECK(reports.count("Task exception was never retrieved | std::runtime_error: unseen") == 1);
}

TEST_CASE("callbacks and timers that are left are dropped, not run") {
    const auto held = std::make_shared<int>(0);
    const auto main = [&]() -> Coro<> {
        weft::get_running_loop().call_later(1h, [held] { ++*held; });
        co_return;
    };
    weft::run(main(), {.loops = 2});
    CHECK(held.use_count() == 1);
    CHECK(*held == 0);
}

// --- Runtime: threads outside and inside --------------------------------------------------------------------------

TEST_CASE("Runtime::run may be called from several plain threads at once") {
    constexpr int kThreads = 4;
    constexpr int kRounds = 50;
    int loops = 2;
    SUBCASE("two loops") { loops = 2; }
    SUBCASE("one loop, whose task list has no lock") { loops = 1; }
    Runtime runtime({.loops = loops});
    std::array<int, kThreads> sums{};
    const auto work = [](int value) -> Coro<int> {
        const auto [a, b] = co_await weft::gather(give(value), weft::sleep(0s, 1));
        co_return a + b;
    };
    std::vector<std::function<void()>> callers;
    for (int thread = 0; thread < kThreads; ++thread) {
        callers.emplace_back([&, thread] {
            for (int round = 0; round < kRounds; ++round)
                sums.at(static_cast<std::size_t>(thread)) += runtime.run(work(thread));
        });
    }
    weft::test::together(callers);
    for (int thread = 0; thread < kThreads; ++thread) {
        CHECK(sums.at(static_cast<std::size_t>(thread)) == kRounds * (thread + 1));
    }
    check_no_rescues(runtime);
}

TEST_CASE("Runtime::run throws what its main ends with and stays usable") {
    Runtime runtime({.loops = 2});
    const auto fail = []() -> Coro<int> {
        throw std::out_of_range("too far");
        co_return 0;
    };
    const auto cancel_self = []() -> Coro<> {
        weft::current_task().cancel();
        co_await weft::sleep(1h);
    };
    CHECK(text_thrown_by<std::out_of_range>([&] { (void)runtime.run(fail()); }) == "too far");
    CHECK_THROWS_AS(runtime.run(cancel_self()), CancelledError);
    const auto move_only = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
    CHECK(*runtime.run(move_only()) == 8);
}

TEST_CASE("Runtime::run and stop are refused on a loop's thread, and everything stays usable") {
    Runtime runtime({.loops = 2});
    const auto main = [&]() -> Coro<std::vector<std::string>> {
        std::vector<std::string> texts;
        texts.push_back(text_thrown_by<std::runtime_error>([&] { runtime.run(give(1)); }));
        texts.push_back(text_thrown_by<std::runtime_error>([&] { runtime.stop(); }));
        texts.push_back(text_thrown_by<std::runtime_error>([&] { weft::run(give(1)); }));
        co_return texts;
    };
    const std::vector<std::string> texts = runtime.run(main());
    CHECK(texts.at(0) == "Runtime::run() cannot be called from a running event loop: expected co_await");
    CHECK(texts.at(1) == "Runtime::stop() cannot be called from a running event loop: expected co_await");
    CHECK(texts.at(2) == "weft::run() cannot be called from a running event loop: expected co_await");
    CHECK(runtime.run(give(5)) == 5);
}

TEST_CASE("a Runtime's loops refuse run_forever, run_until_complete and close") {
    Runtime runtime({.loops = 1});
    runtime.run(nothing());
    Loop& loop = runtime.loop(0);
    CHECK(loop.is_running());
    CHECK_THROWS_WITH_AS(loop.run_forever(), "This event loop is already running", std::runtime_error);
    CHECK_THROWS_WITH_AS(loop.run_until_complete(give(1)), "This event loop is already running", std::runtime_error);
    CHECK_THROWS_WITH_AS(loop.close(), "Cannot close a running event loop", std::runtime_error);
    CHECK(runtime.run(give(5)) == 5);
}

TEST_CASE("stop is idempotent, and a stopped Runtime refuses everything") {
    Runtime runtime({.loops = 2});
    CHECK(runtime.run(give(1)) == 1);
    runtime.stop();
    runtime.stop();
    CHECK(text_thrown_by<std::runtime_error>([&] { runtime.run(give(1)); }) ==
          "Runtime was stopped: Event loop is closed");
    for (std::size_t i = 0; i < runtime.loops(); ++i) {
        Loop& loop = runtime.loop(i);
        CHECK(loop.is_closed());
        CHECK_FALSE(loop.is_running());
        CHECK_THROWS_WITH_AS((void)weft::run_coroutine_threadsafe(give(1), loop), "Event loop is closed",
                             std::runtime_error);
        CHECK_THROWS_WITH_AS((void)loop.call_soon_threadsafe([] {}), "Event loop is closed", std::runtime_error);
    }
}

TEST_CASE("handles outlive their Runtime") {
    Task<int> task;
    weft::ConcurrentFuture<int> future;
    weft::Future<> pending;
    {
        Runtime runtime({.loops = 2});
        const auto main = [&]() -> Coro<> {
            pending = weft::create_future<>();
            task = weft::create_task(give(3));
            co_await task;
        };
        runtime.run(main());
        future = weft::run_coroutine_threadsafe(give(4), runtime.loop(1));
        (void)future.result();
    }
    CHECK(task.result() == 3);
    CHECK(future.result() == 4);
    CHECK(pending.cancel());
    CHECK_FALSE(task.cancel());
}

TEST_CASE("loop(i) beyond the last throws std::out_of_range") {
    const Runtime runtime({.loops = 2});
    CHECK(runtime.loops() == 2);
    CHECK(&runtime.loop(0) != &runtime.loop(1));
    CHECK_THROWS_AS((void)runtime.loop(2), std::out_of_range);
}

TEST_CASE("rule 216: run_coroutine_threadsafe runs on the loop that was named, from its first step to its last") {
    Runtime runtime({.loops = 3});
    std::set<ThreadId> threads;
    for (std::size_t i = 0; i < runtime.loops(); ++i) {
        Loop& loop = runtime.loop(i);
        const std::set<ThreadId> seen = weft::run_coroutine_threadsafe(trail(), loop).result();
        CHECK(seen.size() == 1);
        CHECK(weft::run_coroutine_threadsafe(where(), loop).result() == *seen.begin());
        threads.insert(*seen.begin());
    }
    CHECK(threads.size() == 3);
    CHECK_FALSE(threads.contains(std::this_thread::get_id()));
    check_no_rescues(runtime);
}

TEST_CASE("a blocking result() of a pending future on a loop's thread is an error, never a deadlock") {
    for (const int loops : {1, 2}) {
        CAPTURE(loops);
        const auto main = []() -> Coro<std::string> {
            const weft::ConcurrentFuture<> pending =
                weft::run_coroutine_threadsafe(wait_for_ever(), weft::get_running_loop());
            std::string text = text_thrown_by<std::runtime_error>([&] { pending.result(); });
            CHECK(text == text_thrown_by<std::runtime_error>([&] { (void)pending.exception(); }));
            CHECK(pending.cancel());
            CHECK_THROWS_AS(pending.result(), CancelledError);  // done: no wait
            co_await weft::sleep(0s);
            co_return text;
        };
        const std::string text = weft::run(main(), {.loops = loops});
        CHECK(text.find("result() of a pending ConcurrentFuture was called on a loop's thread: expected") == 0);
    }
}

TEST_CASE("rule 218: result() with a limit gives up, and the task runs on until it is cancelled") {
    Runtime runtime({.loops = 2});
    std::atomic<int> started = 0;
    std::atomic<int> cancelled = 0;
    const auto future = weft::run_coroutine_threadsafe(stubborn(0, started, cancelled), runtime.loop(1));
    CHECK_THROWS_AS(future.result(1ms), weft::TimeoutError);
    runtime.run(until(started, 1));
    CHECK_FALSE(future.done());
    CHECK(future.cancel());
    CHECK_THROWS_AS(future.result(), CancelledError);
    runtime.run(until(cancelled, 1));
}

// --- where tasks run ----------------------------------------------------------------------------------------------

TEST_CASE("with many loops stealable tasks spread while loops are busy") {
    for (const int loops : {2, 4}) {
        CAPTURE(loops);
        Runtime runtime({.loops = loops});
        Countdown all_here(loops);
        // Each occupies its loop until every other one has begun: they need as many loops as they are.
        const auto meet = [&]() -> Coro<ThreadId> {
            all_here.count_down();
            CHECK(all_here.wait());
            co_return std::this_thread::get_id();
        };
        const auto main = [&](int count) -> Coro<std::size_t> {
            std::vector<Coro<ThreadId>> meetings;
            for (int i = 0; i < count; ++i) meetings.push_back(meet());
            const std::vector<ThreadId> threads = co_await weft::gather(std::move(meetings));
            co_return std::set<ThreadId>(threads.begin(), threads.end()).size();
        };
        CHECK(runtime.run(main(loops)) == static_cast<std::size_t>(loops));
        std::uint64_t steals = 0;
        for (std::size_t i = 0; i < runtime.loops(); ++i) steals += runtime.loop(i).steals();
        CHECK(steals != 0);
        check_no_rescues(runtime);
    }
}

TEST_CASE("fairness: a busy task does not stop the timers of other loops") {
    Runtime runtime({.loops = 3});
    std::atomic<int> ticks = 0;
    const auto ticking = [&]() -> Coro<> {
        for (int i = 0; i < 10; ++i) {
            co_await weft::sleep(1ms);
            ++ticks;
        }
    };
    const auto busy = [&]() -> Coro<bool> {
        const bool ticked = weft::test::eventually([&] { return ticks >= 30; });  // keeps its loop the whole time
        co_return ticked;
    };
    const auto main = [&]() -> Coro<bool> {
        std::vector<Task<>> others;
        for (std::size_t i = 1; i < 3; ++i) others.push_back(create_task(ticking(), {.loop = &runtime.loop(i)}));
        co_await weft::sleep(0s);
        runtime.loop(1).call_soon_threadsafe([&] {
            for (int i = 1; i <= 10; ++i) weft::get_running_loop().call_later(i * 1ms, [&] { ++ticks; });
        });
        const auto hog = create_task(busy(), {.loop = &runtime.loop(0)});
        const bool ticked = co_await hog;
        co_await weft::gather(others);
        co_return ticked;
    };
    CHECK(runtime.run(main()));
    check_no_rescues(runtime);
}

TEST_CASE("branches of a fork_join spread, too") {
    Runtime runtime({.loops = 2});
    Countdown both_here(2);
    const auto meet = [&]() -> Coro<ThreadId> {
        both_here.count_down();
        CHECK(both_here.wait());
        co_return std::this_thread::get_id();
    };
    const auto main = [&]() -> Coro<bool> {
        const auto [a, b] = co_await weft::fork_join(meet(), meet());
        co_return a != b;
    };
    CHECK(runtime.run(main()));
    check_no_rescues(runtime);
}

TEST_CASE("a pinned task and its children stay on their loop") {
    Runtime runtime({.loops = 3});
    const auto parent = []() -> Coro<std::set<ThreadId>> {
        std::set<ThreadId> seen = co_await trail();
        std::vector<Coro<std::set<ThreadId>>> grandchildren;
        for (int i = 0; i < 16; ++i) grandchildren.push_back(trail());
        for (const auto& trace : co_await weft::gather(std::move(grandchildren)))
            seen.insert(trace.begin(), trace.end());
        const auto [a, b] = co_await weft::fork_join(trail(), trail());
        seen.insert(a.begin(), a.end());
        seen.insert(b.begin(), b.end());
        co_return seen;
    };
    const auto main = [&]() -> Coro<std::set<ThreadId>> {
        std::vector<Task<std::set<ThreadId>>> parents;
        for (std::size_t i = 0; i < runtime.loops(); ++i) {
            parents.push_back(weft::create_task(parent(), {.loop = &runtime.loop(i)}));
        }
        std::set<ThreadId> all;
        for (const Task<std::set<ThreadId>>& task : parents) {
            const std::set<ThreadId> seen = co_await task;
            CHECK(seen.size() == 1);
            all.insert(seen.begin(), seen.end());
        }
        co_return all;
    };
    CHECK(runtime.run(main()).size() == 3);
    check_no_rescues(runtime);
}

TEST_CASE("any_loop frees the child of a pinned task") {
    Runtime runtime({.loops = 2});
    const auto pinned = []() -> Coro<bool> {
        Countdown ran(1);
        const auto child = [&]() -> Coro<> {
            ran.count_down();
            co_return;
        };
        const Task<> task = weft::create_task(child(), {.loop = weft::any_loop});
        const bool elsewhere = ran.wait();  // blocks this loop: only the other one can have run it
        co_await task;
        co_return elsewhere;
    };
    CHECK(weft::run_coroutine_threadsafe(pinned(), runtime.loop(0)).result());
    CHECK(weft::run_coroutine_threadsafe(pinned(), runtime.loop(1)).result());
}

TEST_CASE("rule 50: a pinned task wakes on its own loop, whoever completes what it awaits") {
    Runtime runtime({.loops = 2});
    const auto ping = [](weft::Future<int> future) -> Coro<bool> {
        const ThreadId before = std::this_thread::get_id();
        (void)co_await future;
        co_return before == std::this_thread::get_id();
    };
    for (int round = 0; round < 100; ++round) {
        const weft::Future<int> future = weft::create_future<int>();
        const auto on_loop = weft::run_coroutine_threadsafe(ping(future), runtime.loop(1));
        if (round % 2 == 0) {
            future.set_result(round);  // from a plain thread
        } else {
            (void)runtime.loop(0).call_soon_threadsafe([&] { future.set_result(round); });
        }
        CHECK(on_loop.result());
    }
    check_no_rescues(runtime);
}

// --- from another thread ------------------------------------------------------------------------------------------

TEST_CASE("rule 100: a task is cancelled from a plain thread") {
    Runtime runtime({.loops = 2});
    const auto start = []() -> Coro<Task<>> { co_return weft::create_task(weft::sleep(1h)); };
    // The message is not looked at here, see throws().
    const auto ends_cancelled = [](Task<> task) -> Coro<bool> {
        try {
            co_await task;
        } catch (const CancelledError&) {
            co_return true;
        }
        co_return false;
    };
    for (int round = 0; round < 100; ++round) {
        const Task<> task = runtime.run(start());
        CHECK(task.cancel("from outside"));
        CHECK(runtime.run(ends_cancelled(task)));
        CHECK(task.cancelled());
        CHECK_FALSE(task.cancel());
    }
    for (std::size_t i = 0; i < runtime.loops(); ++i) {
        const auto armed = [](Loop& loop) -> Coro<std::size_t> { co_return loop.armed_timers(); };
        CHECK(weft::run_coroutine_threadsafe(armed(runtime.loop(i)), runtime.loop(i)).result() == 0);
    }
    check_no_rescues(runtime);
}

TEST_CASE("rule 100: cancels from threads race with completions: each task ends once, in one way") {
    constexpr std::size_t kTasks = 600;
    Runtime runtime({.loops = 2});
    const auto work = [](std::size_t number) -> Coro<int> {
        co_await weft::sleep(number % 3 == 0 ? 0us : 50us);
        co_await weft::sleep(0s);
        co_return 1;
    };
    const auto start = [&]() -> Coro<std::vector<Task<int>>> {
        std::vector<Task<int>> tasks;
        for (std::size_t i = 0; i < kTasks; ++i) tasks.push_back(weft::create_task(work(i)));
        co_return tasks;
    };
    const std::vector<Task<int>> tasks = runtime.run(start());
    const auto cancel_some = [&](std::size_t first) {
        for (std::size_t i = first; i < kTasks; i += 4) tasks[i].cancel();
    };
    weft::test::together({[&] { cancel_some(0); }, [&] { cancel_some(1); }, [&] { cancel_some(0); }});
    const auto count = [&]() -> Coro<std::pair<std::size_t, std::size_t>> {
        std::vector<Task<int>> copies = tasks;
        std::pair<std::size_t, std::size_t> values_and_cancelled;
        for (const auto& outcome : co_await weft::gather(weft::return_exceptions, std::move(copies))) {
            ++(outcome.cancelled() ? values_and_cancelled.second : values_and_cancelled.first);
        }
        co_return values_and_cancelled;
    };
    const auto [values, cancelled] = runtime.run(count());
    CHECK(values + cancelled == kTasks);
    CHECK(values >= kTasks / 2);  // nobody cancelled these
    check_no_rescues(runtime);
}

TEST_CASE("rule 28: call_soon_threadsafe keeps the order of each plain thread on each loop of many") {
    constexpr std::size_t kThreads = 4;
    constexpr int kEach = 500;
    Runtime runtime({.loops = 2});
    std::array<std::vector<int>, kThreads> logs;  // each written by one loop alone
    Countdown left(static_cast<std::int64_t>(kThreads) * kEach);
    std::vector<std::function<void()>> senders;
    for (std::size_t sender = 0; sender < kThreads; ++sender) {
        senders.emplace_back([&, sender] {
            for (int i = 0; i < kEach; ++i) {
                (void)runtime.loop(sender % 2).call_soon_threadsafe([&, sender, i] {
                    logs.at(sender).push_back(i);
                    left.count_down();
                });
            }
        });
    }
    weft::test::together(senders);
    REQUIRE(left.wait());
    runtime.stop();
    std::vector<int> expected;
    for (int i = 0; i < kEach; ++i) expected.push_back(i);
    for (const std::vector<int>& log : logs) CHECK(log == expected);
    check_no_rescues(runtime);
}

TEST_CASE("rule 27: call_soon on another thread's loop is refused") {
    Runtime runtime({.loops = 2});
    Loop& loop = runtime.loop(1);
    (void)weft::run_coroutine_threadsafe(where(), loop).result();  // it runs
    const auto refusal = [&] { return text_thrown_by<std::runtime_error>([&] { (void)loop.call_soon([] {}); }); };
    const auto elsewhere = [&]() -> Coro<std::string> { co_return refusal(); };
    const std::string from_loop = weft::run_coroutine_threadsafe(elsewhere(), runtime.loop(0)).result();
    CHECK(from_loop.find("expected call_soon_threadsafe") != std::string::npos);
    CHECK(refusal() == from_loop);  // from a plain thread
}

// --- idle ---------------------------------------------------------------------------------------------------------

namespace {

struct Sleep {
    std::vector<std::uint64_t> parks;
    bool all_asleep = false;

    friend bool operator==(const Sleep&, const Sleep&) = default;
};

Sleep look_at(const Runtime& runtime) {
    Sleep sleep;
    for (std::size_t i = 0; i < runtime.loops(); ++i) sleep.parks.push_back(runtime.loop(i).parks());
    sleep.all_asleep = runtime.loop(0).group().idle().sleeping() == runtime.loops();
    return sleep;
}

}  // namespace

TEST_CASE("idle loops sleep: nobody wakes while work goes on elsewhere") {
    Runtime runtime({.loops = 3});
    runtime.run(nothing());
    const auto fib = [](const auto& self, int n) -> Coro<int> {
        if (n < 2) co_return n;
        co_return co_await self(self, n - 1) + co_await self(self, n - 2);
    };
    // The work takes far longer than a loop needs to fall asleep, and far less than the second for which a debug
    // build lets it sleep; a loop that wakes by itself in any shorter rhythm is never seen asleep twice.
    bool seen_asleep = false;
    for (int attempt = 0; attempt < 50 && !seen_asleep; ++attempt) {
        const Sleep before = look_at(runtime);
        CHECK(weft::run(fib(fib, 20), {.loops = 1}) == 6765);
        seen_asleep = before.all_asleep && look_at(runtime) == before;
    }
    CHECK(seen_asleep);
    check_no_rescues(runtime);
    CHECK(runtime.run(give(5)) == 5);
}

TEST_CASE("Runtime::run that races with stop ends: with a value, cancelled, or refused") {
    for (int round = 0; round < 40; ++round) {
        Runtime runtime({.loops = 2});
        std::thread caller([&runtime] {
            try {
                for (;;) {
                    const int value = runtime.run(give(7));  // outside CHECK, which would swallow the exception
                    CHECK(value == 7);
                }
            } catch (const weft::CancelledError&) {
            } catch (const std::runtime_error& error) {
                CHECK(std::string(error.what()).find("Event loop is closed") != std::string::npos);
            }
        });
        CHECK(runtime.run(give(round)) == round);
        runtime.stop();
        caller.join();
    }
}

TEST_CASE("get_loops gives the loops of the running group, in order") {
    const auto body = []() -> Coro<> {
        const std::vector<Loop*> loops = weft::get_loops();
        CHECK(loops.size() == 3);
        for (std::size_t i = 0; i < loops.size(); ++i) CHECK(loops[i]->index() == i);
        CHECK(std::find(loops.begin(), loops.end(), &weft::get_running_loop()) != loops.end());
        co_return;
    };
    weft::run(body(), {.loops = 3});
    CHECK_THROWS_WITH_AS((void)weft::get_loops(), "no running event loop", std::runtime_error);
}

TEST_CASE("a number of loops too large for its type is named, not wrapped") {
    const auto beyond = static_cast<unsigned long long>(-1);
    try {
        weft::run(give(1), {.loops = beyond});
        FAIL("accepted");
    } catch (const std::invalid_argument& error) {
        CHECK(std::string(error.what()).find("loops is 9223372036854775807") == 0);
    }
}

namespace {

Coro<int> one_leaf() { co_return 1; }

Coro<int> comb(int depth) {
    if (depth == 0) co_return 1;
    auto [rest, left, right] = co_await weft::fork_join(comb(depth - 1), one_leaf(), one_leaf());
    co_return rest + left + right;
}

// One branch first, so that the deque fills in the middle of a comb's two.
Coro<int> odd_comb(int depth) {
    auto [rest, leaf] = co_await weft::fork_join(comb(depth), one_leaf());
    co_return rest + leaf;
}

}  // namespace

TEST_CASE("forks deeper than the deque: each branch runs once, offered or not") {
    const auto body = []() -> Coro<> {
        const std::vector<Loop*> loops = weft::get_loops();
        Loop* const other = loops[0] == &weft::get_running_loop() ? loops[1] : loops[0];
        std::latch started(1);
        std::latch release(1);
        const auto block = [&]() -> Coro<> {
            started.count_down();
            release.wait();  // this loop steals nothing
            co_return;
        };
        auto blocking = weft::create_task(block(), {.loop = other});
        started.wait();
        for (const int depth : {2047, 2048, 2100, 5000}) {
            const int sum = co_await odd_comb(depth);
            CHECK(sum == 2 * depth + 2);
        }
        release.count_down();
        co_await blocking;
        const int sum = co_await odd_comb(5000);  // and with a thief
        CHECK(sum == 2 * 5000 + 2);
    };
    weft::run(body(), {.loops = 2});
}

TEST_CASE("call_later with the longest delay there is never fires") {
    Loop loop;
    const weft::TimerHandle timer = loop.call_later(weft::Duration::max(), [] { FAIL("it wrapped to the past"); });
    CHECK(loop.run_until_complete(give(3)) == 3);
    CHECK(timer.when() == weft::TimePoint::max());
}
