#include "sync/queue.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::LifoQueue;
using weft::PriorityQueue;
using weft::Queue;
using weft::QueueEmpty;
using weft::QueueFull;
using weft::QueueShutDown;
using weft::sleep;
using weft::Task;
using weft::test::ended;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

namespace {

using Log = std::vector<std::string>;

template <class Q>
Coro<> gets(Q& queue, Log& log, std::string name) {
    try {
        const int item = co_await queue.get();
        log.push_back(name + std::to_string(item));
    } catch (const weft::CancelledError& error) {
        log.push_back(name + weft::test::in_words(error));
    } catch (const QueueShutDown&) {
        log.push_back(name + "shut down");
    }
}

Coro<> puts(Queue<int>& queue, Log& log, int item) {
    try {
        co_await queue.put(item);
        log.push_back("put " + std::to_string(item));
    } catch (const weft::CancelledError& error) {
        log.push_back("put " + std::to_string(item) + " " + weft::test::in_words(error));
    } catch (const QueueShutDown&) {
        log.push_back("put " + std::to_string(item) + " shut down");
    }
}

template <class Q>
std::vector<int> drain(Q& queue) {
    std::vector<int> items;
    while (std::optional<int> item = queue.try_get()) items.push_back(*item);
    return items;
}

}  // namespace

TEST_CASE("rule 239: an unbounded queue takes everything, first in, first out") {
    VirtualLoop loop;
    Queue<int> queue;
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        CHECK(queue.empty());
        CHECK(queue.maxsize() == 0);
        for (int i = 0; i < 1000; ++i) co_await queue.put(i);
        CHECK(queue.qsize() == 1000);
        CHECK_FALSE(queue.full());
        for (int i = 0; i < 1000; ++i) {
            const int item = co_await queue.get();
            CHECK(item == i);
        }
        CHECK(queue.empty());
        CHECK(loop.turns() == turn);
    };
    loop.run_until_complete(body());
    CHECK_FALSE(Queue<int>(-1).full());
    CHECK(Queue<int>(-1).maxsize() == -1);
}

TEST_CASE("rule 239: put waits while it is full, get while it is empty, each in order") {
    VirtualLoop loop;
    Queue<int> queue(2);
    Log log;
    auto body = [&]() -> Coro<> {
        std::vector<Task<>> tasks;
        for (int i = 0; i < 5; ++i) tasks.push_back(create_task(puts(queue, log, i)));
        co_await sleep(1s);
        CHECK(queue.full());
        CHECK(log == Log{"put 0", "put 1"});
        for (const char* name : {"a", "b", "c", "d", "e", "f"}) tasks.push_back(create_task(gets(queue, log, name)));
        co_await sleep(1s);
        CHECK(queue.empty());
        CHECK(log == Log{"put 0", "put 1", "a0", "b1", "put 2", "put 3", "c2", "d3", "put 4", "e4"});
        tasks.back().cancel();
        co_await sleep(0s);
        CHECK(log.back() == "fcancelled");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 239: a woken getter that finds the item gone waits again, at the tail") {
    VirtualLoop loop;
    Queue<int> queue;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(gets(queue, log, "a"));
        const auto b = create_task(gets(queue, log, "b"));
        co_await sleep(0s);
        queue.put_nowait(1);
        CHECK(queue.get_nowait() == 1);
        co_await sleep(0s);
        CHECK(log.empty());
        queue.put_nowait(2);
        queue.put_nowait(3);
        co_await sleep(0s);
        CHECK(log == Log{"b2", "a3"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 240: put_nowait wakes one getter, get_nowait one putter, skipping the cancelled") {
    VirtualLoop loop;
    Queue<int> queue(1);
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(gets(queue, log, "a"));
        const auto b = create_task(gets(queue, log, "b"));
        const auto c = create_task(gets(queue, log, "c"));
        co_await sleep(0s);
        a.cancel();
        queue.put_nowait(1);
        co_await sleep(0s);
        CHECK(log == Log{"acancelled", "b1"});
        c.cancel();
        co_await sleep(0s);
        log.clear();
        queue.put_nowait(2);
        const auto d = create_task(puts(queue, log, 3));
        const auto e = create_task(puts(queue, log, 4));
        co_await sleep(0s);
        d.cancel("left");
        CHECK(queue.get_nowait() == 2);
        co_await sleep(0s);
        CHECK(log == Log{"put 3 cancelled: left", "put 4"});
        CHECK(drain(queue) == std::vector<int>{4});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 240: the nowait and try forms") {
    Queue<std::unique_ptr<int>> queue(1, "jobs");
    CHECK_FALSE(queue.try_get());
    CHECK_THROWS_AS((void)queue.get_nowait(), QueueEmpty);
    auto item = std::make_unique<int>(1);
    CHECK(queue.try_put(std::move(item)));
    CHECK(item == nullptr);  // NOLINT(bugprone-use-after-move): what it promises
    auto kept = std::make_unique<int>(2);
    CHECK_FALSE(queue.try_put(std::move(kept)));
    CHECK(kept != nullptr);  // NOLINT(bugprone-use-after-move): what it promises
    CHECK_THROWS_AS(queue.put_nowait(std::make_unique<int>(3)), QueueFull);
    CHECK(queue.full());
    CHECK(*queue.get_nowait() == 1);
    CHECK(queue.qsize() == 0);
}

TEST_CASE("rule 241: a getter cancelled after its wake-up wakes the next one") {
    VirtualLoop loop;
    Queue<int> queue;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(gets(queue, log, "a"));
        const auto b = create_task(gets(queue, log, "b"));
        co_await sleep(0s);
        queue.put_nowait(1);
        a.cancel("too late");
        co_await b;
        CHECK(log == Log{"acancelled: too late", "b1"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 241: a putter cancelled after its wake-up wakes the next one and stores nothing") {
    VirtualLoop loop;
    Queue<int> queue(1);
    Log log;
    auto body = [&]() -> Coro<> {
        queue.put_nowait(0);
        const auto a = create_task(puts(queue, log, 1));
        const auto b = create_task(puts(queue, log, 2));
        co_await sleep(0s);
        CHECK(queue.get_nowait() == 0);
        a.cancel();
        co_await b;
        CHECK(log == Log{"put 1 cancelled", "put 2"});
        CHECK(drain(queue) == std::vector<int>{2});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 242: a woken getter of a PriorityQueue takes the best item that is there when it runs") {
    VirtualLoop loop;
    PriorityQueue<int> queue;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(gets(queue, log, "a"));
        co_await sleep(0s);
        queue.put_nowait(5);
        queue.put_nowait(1);
        queue.put_nowait(3);
        co_await a;
        CHECK(log == Log{"a1"});
        CHECK(drain(queue) == std::vector<int>{3, 5});
    };
    loop.run_until_complete(body());
    PriorityQueue<int, std::greater<>> greatest(2);
    greatest.put_nowait(1);
    greatest.put_nowait(2);
    CHECK(greatest.full());
    CHECK(drain(greatest) == std::vector<int>{2, 1});
    LifoQueue<int> lifo;
    for (int i = 0; i < 3; ++i) lifo.put_nowait(i);
    CHECK(drain(lifo) == std::vector<int>{2, 1, 0});
}

TEST_CASE("rule 243: join waits for as many task_done as items were put") {
    VirtualLoop loop;
    Queue<int> queue(0, "jobs");
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        co_await queue.join();
        CHECK(loop.turns() == turn);
        CHECK(thrown_by([&] { queue.task_done(); }) == "error: task_done() called too many times: queue 'jobs'");
        queue.put_nowait(1);
        queue.put_nowait(2);
        CHECK(drain(queue).size() == 2);
        const auto a = create_task(queue.join());
        const auto b = create_task(queue.join());
        queue.task_done();
        co_await sleep(0s);
        CHECK_FALSE(a.done());
        b.cancel("enough");
        co_await sleep(0s);
        queue.task_done();
        queue.put_nowait(3);  // armed again; a was woken all the same
        co_await a;
        CHECK(co_await ended(b) == "cancelled: enough");
        CHECK(co_await ended(weft::wait_for(queue.join(), 1s)) == "error: timed out");
        queue.task_done();
        co_await queue.join();
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 244: after shutdown puts throw, and gets do once the items are gone") {
    VirtualLoop loop;
    Queue<int> queue(2);
    Log log;
    auto body = [&]() -> Coro<> {
        queue.put_nowait(1);
        queue.put_nowait(2);
        const auto blocked = create_task(puts(queue, log, 3));
        co_await sleep(0s);
        queue.shutdown();
        co_await blocked;
        CHECK(log == Log{"put 3 shut down"});
        CHECK_THROWS_AS(queue.put_nowait(4), QueueShutDown);
        CHECK_THROWS_AS((void)queue.try_put(4), QueueShutDown);
        CHECK(co_await ended(queue.put(4)) == "error: the queue is shut down");
        const int first = co_await queue.get();
        CHECK(first == 1);
        CHECK(queue.get_nowait() == 2);
        CHECK_THROWS_AS((void)queue.get_nowait(), QueueShutDown);
        CHECK_THROWS_AS((void)queue.try_get(), QueueShutDown);
        CHECK(co_await ended(queue.get()) == "error: the queue is shut down");
        CHECK(co_await ended(weft::wait_for(queue.join(), 1s)) == "error: timed out");
        queue.task_done();
        queue.task_done();
        co_await queue.join();
        queue.shutdown();
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 244: blocked getters of an empty queue throw") {
    VirtualLoop loop;
    Queue<int> queue;
    Log log;
    auto body = [&]() -> Coro<> {
        const auto a = create_task(gets(queue, log, "a"));
        const auto b = create_task(gets(queue, log, "b"));
        co_await sleep(0s);
        queue.shutdown();
        co_await a;
        co_await b;
        CHECK(log == Log{"ashut down", "bshut down"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 244: an immediate shutdown discards the items and settles them") {
    VirtualLoop loop;
    auto alive = std::make_shared<int>(0);
    Queue<std::shared_ptr<int>> queue;
    auto body = [&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) queue.put_nowait(alive);
        const std::shared_ptr<int> taken = co_await queue.get();
        const auto joins = create_task(queue.join());
        co_await sleep(0s);
        queue.shutdown();
        CHECK(queue.qsize() == 2);
        queue.shutdown(true);  // strengthens
        CHECK(queue.qsize() == 0);
        CHECK(alive.use_count() == 2);
        CHECK(co_await ended(queue.get()) == "error: the queue is shut down");
        CHECK_FALSE(joins.done());
        queue.task_done();  // of the one that was taken
        co_await joins;
        CHECK(thrown_by([&] { queue.task_done(); }) != "nothing");
    };
    loop.run_until_complete(body());
}

TEST_CASE("an item whose copy throws is not stored, and nobody is woken for it") {
    struct Throws {
        explicit Throws(bool now) : throws(now) {}
        Throws(const Throws& other) : throws(other.throws) {
            if (throws) throw std::runtime_error("copy");
        }
        bool throws;
    };
    Queue<Throws> queue;
    const Throws item(true);
    CHECK(thrown_by([&] { (void)queue.try_put(item); }) == "error: copy");
    CHECK(queue.empty());
    CHECK(thrown_by([&] { queue.task_done(); }) != "nothing");
}

TEST_CASE("a loop that closes on a woken getter wakes the next one") {
    VirtualLoop stays;
    Queue<int> queue;
    Log log;
    const auto other = [&] {
        const Reports reports;
        VirtualLoop closes;
        const auto woken = closes.create(gets(queue, log, "woken"));
        const auto in_line = closes.create(gets(queue, log, "in line"));
        closes.turn();
        auto waits = stays.create(gets(queue, log, "other"));
        stays.turn();
        queue.put_nowait(7);
        closes.close();
        return waits;
    }();
    stays.turn();
    CHECK(log == Log{"other7"});
}

namespace {

// Its copies throw when the countdown ends.
struct Fragile {
    explicit Fragile(int v) : value(v) {}
    Fragile(const Fragile& other) : value(other.value) {
        if (copies_left-- == 0) throw std::runtime_error("copy");
    }
    Fragile& operator=(const Fragile&) = delete;
    const int value;
    static inline int copies_left = -1;
};

}  // namespace

TEST_CASE("an item whose move throws on its way out stays in the queue") {
    VirtualLoop loop;
    for (int copies = 0; copies < 4; ++copies) {
        CAPTURE(copies);
        Queue<Fragile> queue(1);
        Fragile::copies_left = -1;
        queue.put_nowait(Fragile(7));
        Fragile::copies_left = copies;
        const std::string got = thrown_by([&] { (void)queue.try_get(); });
        Fragile::copies_left = -1;
        CHECK(queue.qsize() == (got == "nothing" ? 0 : 1));
        if (got == "nothing") continue;
        auto body = [&]() -> Coro<> {
            const Fragile item = co_await queue.get();
            CHECK(item.value == 7);
        };
        loop.run_until_complete(body());
    }
}

TEST_CASE("a woken putter or getter whose item cannot be moved wakes the next one") {
    VirtualLoop loop;
    Queue<Fragile> queue(1);
    auto puts_one = [&](int value) -> Coro<> {
        Fragile item(value);
        co_await queue.put(std::move(item));
    };
    auto gets_one = [&]() -> Coro<int> {
        const Fragile item = co_await queue.get();
        co_return item.value;
    };
    auto body = [&]() -> Coro<> {
        Fragile::copies_left = -1;
        queue.put_nowait(Fragile(1));
        const auto a = create_task(puts_one(2));
        const auto b = create_task(puts_one(3));
        co_await sleep(0s);
        CHECK(queue.get_nowait().value == 1);
        Fragile::copies_left = 0;
        CHECK(co_await ended(a) == "error: copy");
        co_await b;
        const auto c = create_task(gets_one());
        const auto d = create_task(gets_one());
        CHECK(queue.get_nowait().value == 3);
        co_await sleep(0s);
        queue.put_nowait(Fragile(4));
        Fragile::copies_left = 0;
        CHECK(co_await ended(c) == "error: copy");
        const int got = co_await d;
        CHECK(got == 4);
    };
    loop.run_until_complete(body());
}
