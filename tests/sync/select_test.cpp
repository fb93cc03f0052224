#include "sync/select.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sync/broadcast.hpp"
#include "sync/event.hpp"
#include "sync/queue.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "sync/watch.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::Event;
using weft::Queue;
using weft::QueueShutDown;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::VirtualLoop;

namespace {

using Log = std::vector<std::string>;

// "name: numbers 1", "name: words a", "name: stop".
Coro<> takes(Queue<int>& numbers, Queue<std::string>& words, Event& stop, Log& log, std::string name) {
    try {
        const auto first = co_await weft::select(numbers.get(), words.get(), stop.wait());
        switch (first.index()) {
            case 0: log.push_back(name + ": numbers " + std::to_string(std::get<0>(first))); break;
            case 1: log.push_back(name + ": words " + std::get<1>(first)); break;
            default: log.push_back(name + ": stop");
        }
    } catch (const weft::CancelledError& error) {
        log.push_back(name + ": " + weft::test::in_words(error));
    } catch (const QueueShutDown&) {
        log.push_back(name + ": shut down");
    }
}

}  // namespace

TEST_CASE("select takes the first that is there, in the order given, without suspending") {
    VirtualLoop loop;
    Queue<int> numbers;
    Queue<std::string> words;
    Event stop;
    Log log;
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        numbers.put_nowait(1);
        words.put_nowait("a");
        stop.set();
        co_await takes(numbers, words, stop, log, "first");
        co_await takes(numbers, words, stop, log, "second");
        co_await takes(numbers, words, stop, log, "third");
        CHECK(loop.turns() == turn);
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"first: numbers 1", "second: words a", "third: stop"});
}

TEST_CASE("select waits for whatever comes first, and leaves everything else") {
    VirtualLoop loop;
    Queue<int> numbers;
    Queue<std::string> words;
    Event stop;
    Log log;
    auto body = [&]() -> Coro<> {
        for (int round = 0; round < 3; ++round) {
            const Task<> task = create_task(takes(numbers, words, stop, log, "task"));
            co_await sleep(0s);
            switch (round) {
                case 0: words.put_nowait("a"); break;
                case 1: numbers.put_nowait(1); break;
                default: stop.set();
            }
            numbers.put_nowait(2);  // too late
            co_await task;
            CHECK(numbers.get_nowait() == 2);
        }
        CHECK(numbers.empty());
        CHECK(words.empty());
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"task: words a", "task: numbers 1", "task: stop"});
}

TEST_CASE("select gives its place in a line to the next when another line was faster") {
    VirtualLoop loop;
    Queue<int> numbers;
    Queue<std::string> words;
    Event stop;
    Log log;
    auto gets = [&]() -> Coro<> {
        const int item = co_await numbers.get();
        log.push_back("getter " + std::to_string(item));
    };
    auto body = [&]() -> Coro<> {
        const Task<> selects = create_task(takes(numbers, words, stop, log, "select"));
        const Task<> getter = create_task(gets());
        co_await sleep(0s);
        words.put_nowait("a");
        numbers.put_nowait(1);  // the select is first in line, and has gone elsewhere
        co_await selects;
        co_await getter;
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"select: words a", "getter 1"});
}

TEST_CASE("select whose item was taken by somebody faster waits again, for all") {
    VirtualLoop loop;
    Queue<int> numbers;
    Queue<std::string> words;
    Event stop;
    Log log;
    auto body = [&]() -> Coro<> {
        const Task<> task = create_task(takes(numbers, words, stop, log, "task"));
        co_await sleep(0s);
        numbers.put_nowait(1);
        CHECK(numbers.get_nowait() == 1);  // before the task has run
        co_await sleep(0s);
        CHECK_FALSE(task.done());
        words.put_nowait("a");
        co_await task;
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"task: words a"});
}

TEST_CASE("select does not miss an event that was set and cleared while it was woken by something that is gone") {
    VirtualLoop loop;
    Queue<int> numbers;
    Queue<std::string> words;
    Event stop;
    Log log;
    auto body = [&]() -> Coro<> {
        const Task<> task = create_task(takes(numbers, words, stop, log, "task"));
        co_await sleep(0s);
        numbers.put_nowait(1);
        stop.set();
        stop.clear();
        CHECK(numbers.get_nowait() == 1);
        co_await task;
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"task: stop"});
}

TEST_CASE("a cancelled select takes nothing, and passes on what woke it") {
    for (const bool woken : {false, true}) {
        CAPTURE(woken);
        VirtualLoop loop;
        Queue<int> numbers;
        Queue<std::string> words;
        Event stop;
        Log log;
        auto body = [&]() -> Coro<> {
            const Task<> victim = create_task(takes(numbers, words, stop, log, "victim"));
            const Task<> next = create_task(takes(numbers, words, stop, log, "next"));
            co_await sleep(0s);
            if (woken) numbers.put_nowait(1);
            victim.cancel("planned");
            if (!woken) numbers.put_nowait(1);
            co_await victim;
            co_await next;
        };
        loop.run_until_complete(body());
        CHECK(log.size() == 2);
        CHECK(std::find(log.begin(), log.end(), "victim: cancelled: planned") != log.end());
        CHECK(std::find(log.begin(), log.end(), "next: numbers 1") != log.end());
    }
}

TEST_CASE("select puts into the queue that has room first") {
    VirtualLoop loop;
    Queue<std::unique_ptr<int>> left(1);
    Queue<std::unique_ptr<int>> right(1);
    left.put_nowait(std::make_unique<int>(0));
    right.put_nowait(std::make_unique<int>(0));
    auto puts = [&]() -> Coro<std::size_t> {
        auto first = co_await weft::select(left.put(std::make_unique<int>(1)), right.put(std::make_unique<int>(2)));
        static_assert(std::is_same_v<decltype(first), std::variant<std::monostate, std::monostate>>);
        co_return first.index();
    };
    auto body = [&]() -> Coro<> {
        const Task<std::size_t> task = create_task(puts());
        co_await sleep(0s);
        CHECK(*right.get_nowait() == 0);
        CHECK(co_await task == 1);
        CHECK(*right.get_nowait() == 2);
        CHECK(*left.get_nowait() == 0);
        CHECK(left.empty());
    };
    loop.run_until_complete(body());
}

TEST_CASE("select throws what the one throws that it comes to") {
    VirtualLoop loop;
    Queue<int> numbers;
    Queue<std::string> words;
    Event stop;
    Log log;
    auto body = [&]() -> Coro<> {
        const Task<> waits = create_task(takes(numbers, words, stop, log, "waits"));
        co_await sleep(0s);
        words.shutdown();
        co_await waits;
        co_await takes(numbers, words, stop, log, "later");
        numbers.put_nowait(1);
        co_await takes(numbers, words, stop, log, "before it");
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"waits: shut down", "later: shut down", "before it: numbers 1"});
}

TEST_CASE("select of the same queue twice, of a broadcast and of a watch") {
    VirtualLoop loop;
    Queue<int> queue;
    weft::Broadcast<int> news(4);
    weft::Watch<int> level(0);
    auto receiver = news.subscribe();
    auto watcher = level.subscribe();
    std::vector<std::size_t> indices;
    auto selects = [&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
            const auto first = co_await weft::select(queue.get(), queue.get(), receiver.receive(), watcher.changed());
            indices.push_back(first.index());
        }
    };
    auto body = [&]() -> Coro<> {
        const Task<> task = create_task(selects());
        co_await sleep(0s);
        level.set(1);
        co_await sleep(0s);
        CHECK(news.send(1) == 1);
        co_await sleep(0s);
        queue.put_nowait(1);
        co_await task;
        CHECK(queue.empty());
    };
    loop.run_until_complete(body());
    CHECK(indices == std::vector<std::size_t>{3, 2, 0});
}

TEST_CASE("wait_for a select: in time, and too late") {
    VirtualLoop loop;
    Queue<int> numbers;
    Event stop;
    auto body = [&]() -> Coro<> {
        CHECK(co_await ended(weft::wait_for(weft::select(numbers.get(), stop.wait()), 1s)) == "error: timed out");
        numbers.put_nowait(7);
        const auto first = co_await weft::wait_for(weft::select(numbers.get(), stop.wait()), 1s);
        CHECK(std::get<0>(first) == 7);
        CHECK(numbers.empty());
    };
    loop.run_until_complete(body());
}

TEST_CASE("a loop that closes on a select wakes the next in the line that woke it") {
    for (const bool woken : {false, true}) {
        CAPTURE(woken);
        VirtualLoop stays;
        Queue<int> numbers;
        Queue<std::string> words;
        Event stop;
        Log log;
        const auto other = [&] {
            const Reports reports;
            VirtualLoop closes;
            const auto task = closes.create(takes(numbers, words, stop, log, "gone"));
            closes.turn();
            auto waits = stays.create(takes(numbers, words, stop, log, "other"));
            stays.turn();
            if (woken) numbers.put_nowait(7);
            closes.close();
            return waits;
        }();
        if (!woken) numbers.put_nowait(7);
        stays.turn();
        CHECK(log == Log{"other: numbers 7"});
    }
}

TEST_CASE("a select tells what it waits for") {
    VirtualLoop loop;
    Queue<int> numbers(0, "numbers");
    Event stop("stop");
    std::string text;
    auto waits = [&]() -> Coro<> { (void)co_await weft::select(numbers.get(), stop.wait()); };
    auto body = [&]() -> Coro<> {
        const Task<> task = create_task(waits());
        co_await sleep(0s);
        text = static_cast<weft::sync::TaskState&>(task.state()).standing().awaits;
        stop.set();
        co_await task;
    };
    loop.run_until_complete(body());
    CHECK(text == "queue 'numbers' or event 'stop'");
}

TEST_CASE("a select on something that ends is cut off, and passes on what woke it") {
    VirtualLoop loop;
    const Reports reports;
    Queue<int> stays;
    auto ends = std::make_unique<Queue<int>>();
    Log log;
    auto selects = [&]() -> Coro<> { (void)co_await weft::select(stays.get(), ends->get()); };
    auto gets = [&]() -> Coro<> {
        const int item = co_await stays.get();
        log.push_back("getter " + std::to_string(item));
    };
    auto body = [&]() -> Coro<> {
        const Task<> cut_off = create_task(selects());
        const Task<> getter = create_task(gets());
        co_await sleep(0s);
        ends.reset();
        stays.put_nowait(1);
        CHECK(co_await ended(cut_off) == "cancelled");
        co_await getter;
    };
    loop.run_until_complete(body());
    CHECK(log == Log{"getter 1"});
}

namespace {

// Never succeeds; each time that it is tried, something happens.
template <class F>
class Nothing {
public:
    Nothing(F happens, Event& never) : happens_(happens), never_(never) {}
    bool attempt() {
        happens_();
        return false;
    }
    bool attempt_woken() { return attempt(); }
    Event::Waiting line() { return never_.wait(); }
    bool result() { return false; }

private:
    F happens_;
    Event& never_;
};

}  // namespace

TEST_CASE("select does not miss a pulse of an event that comes between its first look and the line") {
    VirtualLoop loop;
    Event pulse;
    Event never;
    auto body = [&]() -> Coro<> {
        auto once = [&] {
            pulse.set();
            pulse.clear();
        };
        Nothing happens(once, never);
        const auto first = co_await weft::wait_for(weft::select(pulse.wait(), std::move(happens)), 1s);
        CHECK(first.index() == 0);
    };
    loop.run_until_complete(body());
}
