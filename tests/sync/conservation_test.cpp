// Nothing is lost: whatever is cancelled or times out, at whatever moment, no lock, permit, notification or item
// disappears, and nobody who could go on is left waiting (that would be a Deadlock). First one loop, where a cancel comes
// at every turn and goes to every task in turn; then eight simulated loops; then real threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/atomic.hpp"
#include "sync/barrier.hpp"
#include "sync/condition.hpp"
#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/queue.hpp"
#include "sync/select.hpp"
#include "sync/semaphore.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/simulation.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::any_loop;
using weft::AnyTask;
using weft::Coro;
using weft::create_task;
using weft::sleep;
using weft::Task;
using weft::test::Group;
using weft::test::Simulation;
using weft::test::VirtualLoop;

namespace {

// Counts what must never be more than `limit` at once.
class Room {
public:
    explicit Room(int limit) : limit_(limit) {}

    class Inside {
    public:
        explicit Inside(Room& room) : room_(room) {
            if (room_.inside_.fetch_add(1, std::memory_order_relaxed) >= room_.limit_) room_.overfull_ = true;
        }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside() { room_.inside_.fetch_sub(1, std::memory_order_relaxed); }

    private:
        Room& room_;
    };

    [[nodiscard]] bool ever_overfull() const { return overfull_; }

private:
    std::atomic<int> inside_{0};
    const int limit_;
    std::atomic<bool> overfull_{false};
};

// A program over one primitive. Its tasks end by themselves, whoever among them is cancelled.
class Scenario {
public:
    Scenario() = default;
    Scenario(const Scenario&) = delete;
    Scenario& operator=(const Scenario&) = delete;
    virtual ~Scenario() = default;

    [[nodiscard]] virtual std::vector<Coro<>> tasks() = 0;
    // How many of them, from the first, may be cancelled.
    [[nodiscard]] virtual std::size_t victims() const = 0;
    // Once all tasks have ended.
    virtual void check() = 0;
};

class Locking final : public Scenario {
public:
    std::vector<Coro<>> tasks() override {
        std::vector<Coro<>> all;
        for (std::size_t i = 0; i < victims(); ++i) all.push_back(one());
        return all;
    }
    std::size_t victims() const override { return 4; }
    void check() override {
        CHECK_FALSE(room_.ever_overfull());
        CHECK(lock_.try_acquire());
        lock_.release();
    }

private:
    Coro<> one() {
        for (int i = 0; i < 3; ++i) {
            const weft::LockGuard held = co_await lock_.scoped();
            const Room::Inside inside(room_);
            co_await sleep(0s);
        }
    }

    weft::Lock lock_;
    Room room_{1};
};

class Permits final : public Scenario {
public:
    std::vector<Coro<>> tasks() override {
        std::vector<Coro<>> all;
        for (std::size_t i = 0; i < victims(); ++i) all.push_back(one());
        return all;
    }
    std::size_t victims() const override { return 6; }
    void check() override {
        CHECK_FALSE(room_.ever_overfull());
        for (int i = 0; i < kPermits; ++i) CHECK(semaphore_.try_acquire());
        CHECK_FALSE(semaphore_.try_acquire());
        for (int i = 0; i < kPermits; ++i) semaphore_.release();
    }

private:
    static constexpr int kPermits = 2;

    Coro<> one() {
        for (int i = 0; i < 3; ++i) {
            const weft::SemaphorePermit permit = co_await semaphore_.scoped();
            const Room::Inside inside(room_);
            co_await sleep(0s);
        }
    }

    weft::BoundedSemaphore semaphore_{kPermits};
    Room room_{kPermits};
};

// As many notifications as there are waiters: each waiter that is not cancelled must get one.
class Notifications final : public Scenario {
public:
    std::vector<Coro<>> tasks() override {
        std::vector<Coro<>> all;
        for (int i = 0; i < kWaiters; ++i) all.push_back(consumer());
        for (int i = 0; i < kWaiters; ++i) all.push_back(producer());
        return all;
    }
    std::size_t victims() const override { return kWaiters; }
    void check() override {
        CHECK_FALSE(condition_.locked());
        CHECK(made_ == taken_ + left_);
    }

private:
    static constexpr int kWaiters = 3;

    Coro<> consumer() {
        const weft::LockGuard held = co_await condition_.scoped();
        auto some = [this] { return left_ != 0; };
        co_await condition_.wait_for(some);
        --left_;
        ++taken_;
    }
    Coro<> producer() {
        const weft::LockGuard held = co_await condition_.scoped();
        ++made_;
        ++left_;
        condition_.notify();
    }

    weft::Condition condition_;
    int left_ = 0;
    int made_ = 0;
    int taken_ = 0;
};

template <class Q>
class Passing final : public Scenario {
public:
    explicit Passing(std::ptrdiff_t maxsize) : queue_(maxsize) {}

    std::vector<Coro<>> tasks() override {
        std::vector<Coro<>> all;
        for (int i = 0; i < 3; ++i) all.push_back(consumer());
        // The last producer to end, perhaps without having begun, shuts the queue down.
        const std::shared_ptr<void> open(this, [this](void*) { queue_.shutdown(); });
        for (int i = 0; i < 3; ++i) all.push_back(producer(i * 100, open));
        return all;
    }
    std::size_t victims() const override { return 6; }
    void check() override {
        std::vector<int> got = got_;
        for (;;) {
            try {
                const auto item = queue_.try_get();
                if (!item) break;
                got.push_back(*item);
            } catch (const weft::QueueShutDown&) {
                break;
            }
        }
        std::sort(got.begin(), got.end());
        std::sort(put_.begin(), put_.end());
        CHECK(got == put_);
    }

private:
    Coro<> producer(int first, [[maybe_unused]] std::shared_ptr<void> open) {
        for (int i = first; i < first + 4; ++i) {
            co_await queue_.put(i);
            put_.push_back(i);
            if (i % 2 == 0) co_await sleep(0s);
        }
    }
    Coro<> consumer() {
        try {
            for (;;) {
                got_.push_back(co_await queue_.get());
                if (got_.size() % 3 == 0) co_await sleep(0s);
            }
        } catch (const weft::QueueShutDown&) {
            co_return;
        }
    }

    Q queue_;
    std::vector<int> put_;
    std::vector<int> got_;
};

// Producers put where there is room, consumers get from where there is an item; one that is cancelled, or goes elsewhere,
// leaves what it was woken for to the others.
class Selecting final : public Scenario {
public:
    std::vector<Coro<>> tasks() override {
        std::vector<Coro<>> all;
        for (int i = 0; i < 2; ++i) all.push_back(consumer());
        all.push_back(consumer_of_one(left_));
        all.push_back(consumer_of_one(right_));
        const std::shared_ptr<void> open(this, [this](void*) {
            left_.shutdown();
            right_.shutdown();
        });
        for (int i = 0; i < 2; ++i) all.push_back(producer(i * 100, open));
        return all;
    }
    std::size_t victims() const override { return 6; }
    void check() override {
        drain(left_);
        drain(right_);
        std::sort(got_.begin(), got_.end());
        std::sort(put_.begin(), put_.end());
        CHECK(got_ == put_);
    }

private:
    Coro<> producer(int first, [[maybe_unused]] std::shared_ptr<void> open) {
        for (int i = first; i < first + 4; ++i) {
            (void)co_await weft::select(left_.put(i), right_.put(i));
            put_.push_back(i);
            if (i % 2 == 0) co_await sleep(0s);
        }
    }
    Coro<> consumer() {
        try {
            for (;;) {
                const auto first = co_await weft::select(right_.get(), left_.get());
                got_.push_back(first.index() == 0 ? std::get<0>(first) : std::get<1>(first));
                if (got_.size() % 3 == 0) co_await sleep(0s);
            }
        } catch (const weft::QueueShutDown&) {
            co_return;
        }
    }
    Coro<> consumer_of_one(weft::Queue<int>& queue) {
        try {
            for (;;) got_.push_back(co_await queue.get());
        } catch (const weft::QueueShutDown&) {
            co_return;
        }
    }
    void drain(weft::Queue<int>& queue) {
        try {
            while (const auto item = queue.try_get()) got_.push_back(*item);
        } catch (const weft::QueueShutDown&) {
            return;
        }
    }

    weft::Queue<int> left_{1};
    weft::Queue<int> right_{1};
    std::vector<int> put_;
    std::vector<int> got_;
};

// Whoever is cancelled, the next round fills again with those that are left and one that fills in.
class Meeting final : public Scenario {
public:
    std::vector<Coro<>> tasks() override {
        std::vector<Coro<>> all;
        for (std::size_t i = 0; i < victims(); ++i) all.push_back(one());
        return all;
    }
    std::size_t victims() const override { return 4; }
    void check() override {
        CHECK(barrier_.n_waiting() == 0);
        CHECK_FALSE(barrier_.broken());
    }

private:
    Coro<> one() {
        for (int i = 0; i < 3; ++i) {
            try {
                (void)co_await weft::wait_for(barrier_.wait(), 1s);
            } catch (const weft::TimeoutError&) {
                co_return;  // somebody is gone
            }
        }
    }

    weft::Barrier barrier_{2};
};

using Make = std::function<std::unique_ptr<Scenario>()>;

struct Named {
    const char* name;
    Make make;
};

std::vector<Named> scenarios() {
    return {
        {"lock", [] { return std::make_unique<Locking>(); }},
        {"semaphore", [] { return std::make_unique<Permits>(); }},
        {"condition", [] { return std::make_unique<Notifications>(); }},
        {"unbounded queue", [] { return std::make_unique<Passing<weft::Queue<int>>>(0); }},
        {"bounded queue", [] { return std::make_unique<Passing<weft::Queue<int>>>(2); }},
        {"priority queue", [] { return std::make_unique<Passing<weft::PriorityQueue<int>>>(1); }},
        {"lifo queue", [] { return std::make_unique<Passing<weft::LifoQueue<int>>>(2); }},
        {"queues in a select", [] { return std::make_unique<Selecting>(); }},
        {"barrier", [] { return std::make_unique<Meeting>(); }},
    };
}

// Returns whether there was still something to cancel.
bool run_with_cancel(const Make& make, std::size_t victim, int turn, int second_turn) {
    const std::unique_ptr<Scenario> scenario = make();
    VirtualLoop loop;
    std::vector<Task<>> tasks;
    for (Coro<>& coro : scenario->tasks()) tasks.push_back(loop.create(std::move(coro)));
    const auto running = [&] {
        return std::any_of(tasks.begin(), tasks.end(), [](const Task<>& task) { return !task.done(); });
    };
    for (int i = 0; i < turn && running(); ++i) loop.turn();
    const bool cancelled = tasks[victim].cancel("planned");
    for (int i = 0; i < second_turn && running(); ++i) loop.turn();
    tasks[(victim + 1) % scenario->victims()].cancel();
    while (running()) loop.turn();
    scenario->check();
    return cancelled;
}

}  // namespace

TEST_CASE("conservation: a cancel at every turn, and another one soon after, loses nothing") {
    for (const Named& named : scenarios()) {
        CAPTURE(named.name);
        for (std::size_t victim = 0; victim < named.make()->victims(); ++victim) {
            CAPTURE(victim);
            bool more = true;
            for (int turn = 0; more; ++turn) {
                CAPTURE(turn);
                REQUIRE(turn < 1000);
                more = false;
                for (int second_turn = 0; second_turn < 3; ++second_turn) {
                    more = run_with_cancel(named.make, victim, turn, second_turn) || more;
                }
            }
        }
    }
}

namespace {

// Cancels some of the tasks, now and then.
Coro<> disturb(std::vector<Task<>>& tasks, std::size_t victims, std::uint32_t seed) {
    std::minstd_rand random(seed);
    for (int i = 0; i < 6; ++i) {
        const std::uint32_t pause = random() % 4;
        if (pause == 3) co_await sleep(1us);
        for (std::uint32_t k = 0; k < pause; ++k) co_await sleep(0s);
        tasks[random() % victims].cancel();
    }
}

}  // namespace

TEST_CASE("conservation: on eight simulated loops, in many orders") {
    for (const Named& named : scenarios()) {
        // Their counts are plain integers, changed by several tasks without a lock.
        if (std::string(named.name).find("queue") != std::string::npos) continue;
        CAPTURE(named.name);
        for (std::uint32_t seed = 1; seed <= 60; ++seed) {
            CAPTURE(seed);
            const std::unique_ptr<Scenario> scenario = named.make();
            Simulation simulation(8, seed);
            std::vector<Task<>> tasks;
            for (Coro<>& coro : scenario->tasks()) {
                tasks.push_back(create_task(std::move(coro), {.loop = &simulation.loop(simulation.choose(8))}));
            }
            const auto disturber =
                create_task(disturb(tasks, scenario->victims(), seed), {.loop = &simulation.loop(0)});
            simulation.run_until([&] {
                return disturber.done() &&
                       std::all_of(tasks.begin(), tasks.end(), [](const Task<>& task) { return task.done(); });
            });
            scenario->check();
        }
    }
}

namespace {

// More with the environment's WEFT_STRESS_ITEMS.
std::int64_t items_wanted() {
    const char* wanted = std::getenv("WEFT_STRESS_ITEMS");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return wanted != nullptr ? std::atoll(wanted) : 200'000;
}

constexpr std::size_t kLoops = 8;
constexpr int kEach = 16;

struct Counts {
    std::atomic<std::int64_t> put{0};
    std::atomic<std::int64_t> got{0};
    std::atomic<std::int64_t> sum_put{0};
    std::atomic<std::int64_t> sum_got{0};
    std::atomic<std::int64_t> interrupted{0};
    std::atomic<int> producing{kEach};
    std::atomic<std::size_t> begun{0};
};

struct Queues {
    weft::Queue<std::int64_t> main{64};
    weft::Queue<std::int64_t> side{2};
};

// Cancels and timeouts hit the waits; the loop around them goes on.
Coro<> produce(Queues& queues, Counts& counts, std::int64_t items, std::uint32_t seed) {
    counts.begun.fetch_add(1);
    std::minstd_rand random(seed);
    for (std::int64_t i = 0; i < items;) {
        try {
            const std::uint32_t way = random() % 8;
            if (way == 0) {
                co_await weft::wait_for(queues.main.put(i), std::chrono::microseconds(random() % 20));
            } else if (way == 1) {
                co_await queues.side.put(i);
            } else if (way == 2) {
                (void)co_await weft::select(queues.side.put(i), queues.main.put(i));
            } else {
                co_await queues.main.put(i);
            }
            counts.put.fetch_add(1, std::memory_order_relaxed);
            counts.sum_put.fetch_add(i, std::memory_order_relaxed);
            ++i;
        } catch (const weft::CancelledError&) {
            counts.interrupted.fetch_add(1, std::memory_order_relaxed);
        } catch (const weft::TimeoutError&) {
            counts.interrupted.fetch_add(1, std::memory_order_relaxed);
        }
    }
    if (counts.producing.fetch_sub(1) == 1) {
        queues.main.shutdown();
        queues.side.shutdown();
    }
}

Coro<std::int64_t> get_from_either(Queues& queues) {
    const auto first = co_await weft::select(queues.side.get(), queues.main.get());
    co_return first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
}

// Half of the consumers know the side queue.
Coro<std::int64_t> get_one(Queues& queues, std::uint32_t seed) {
    if (seed % 2 != 0) return get_from_either(queues);
    auto from_main = [](Queues& from) -> Coro<std::int64_t> { co_return co_await from.main.get(); };
    return from_main(queues);
}

void count(Counts& counts, std::int64_t item) {
    counts.got.fetch_add(1, std::memory_order_relaxed);
    counts.sum_got.fetch_add(item, std::memory_order_relaxed);
}

// What a shut down queue still has.
void drain(weft::Queue<std::int64_t>& queue, Counts& counts) {
    try {
        while (const auto item = queue.try_get()) count(counts, *item);
    } catch (const weft::QueueShutDown&) {
        return;
    }
}

Coro<> consume(Queues& queues, Counts& counts, weft::Semaphore& semaphore, Room& room, std::uint32_t seed) {
    counts.begun.fetch_add(1);
    std::minstd_rand random(seed);
    for (;;) {
        try {
            std::int64_t item = 0;
            if (random() % 8 == 0) {
                const auto limit = std::chrono::microseconds(random() % 20);
                if (seed % 2 != 0) {
                    const auto first =
                        co_await weft::wait_for(weft::select(queues.side.get(), queues.main.get()), limit);
                    item = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
                } else {
                    item = co_await weft::wait_for(queues.main.get(), limit);
                }
            } else {
                item = co_await get_one(queues, seed);
            }
            count(counts, item);
            if (random() % 4 == 0) {
                const weft::SemaphorePermit permit = co_await semaphore.scoped();
                const Room::Inside inside(room);
                if (random() % 4 == 0) co_await sleep(0s);
            }
        } catch (const weft::CancelledError&) {
            counts.interrupted.fetch_add(1, std::memory_order_relaxed);
        } catch (const weft::TimeoutError&) {
            counts.interrupted.fetch_add(1, std::memory_order_relaxed);
        } catch (const weft::QueueShutDown&) {
            drain(queues.main, counts);
            drain(queues.side, counts);
            co_return;
        }
    }
}

Coro<> count_up(weft::Lock& lock, Counts& counts, std::int64_t& counter, const std::atomic<bool>& stop,
                std::int64_t& own) {
    counts.begun.fetch_add(1);
    while (!stop.load(std::memory_order_relaxed)) {
        try {
            const weft::LockGuard held = co_await lock.scoped();
            ++counter;
            ++own;
        } catch (const weft::CancelledError&) {
            continue;
        }
        try {
            co_await sleep(0s);
        } catch (const weft::CancelledError&) {
            continue;
        }
    }
}

// A task that has not begun would never: its part of the work would be missing.
Coro<> cancel_at_random(std::vector<Task<>>& tasks, const Counts& counts, const std::atomic<bool>& stop,
                        std::uint32_t seed) {
    while (counts.begun.load() != tasks.size()) co_await sleep(0s);
    std::minstd_rand random(seed);
    while (!stop.load(std::memory_order_relaxed)) {
        tasks[random() % tasks.size()].cancel();
        co_await sleep(std::chrono::microseconds(random() % 50));
    }
}

}  // namespace

TEST_CASE("conservation: items put are items got, on eight real loops with random cancels and timeouts") {
    const Group group(kLoops);
    Counts counts;
    Queues queues;
    weft::BoundedSemaphore semaphore(3);
    Room room(3);
    weft::Lock lock;
    std::int64_t counter = 0;
    std::vector<std::int64_t> own(4, 0);
    std::atomic<bool> stop{false};
    const std::int64_t items = std::max<std::int64_t>(items_wanted() / kEach, 1);

    auto body = [&]() -> Coro<> {
        std::vector<Task<>> tasks;
        for (std::uint32_t i = 0; i < kEach; ++i) {
            tasks.push_back(create_task(produce(queues, counts, items, i), {.loop = any_loop}));
            tasks.push_back(create_task(consume(queues, counts, semaphore, room, 100 + i), {.loop = any_loop}));
        }
        const std::size_t workers = tasks.size();
        for (std::int64_t& each : own) {
            tasks.push_back(create_task(count_up(lock, counts, counter, stop, each), {.loop = any_loop}));
        }
        const auto canceller = create_task(cancel_at_random(tasks, counts, stop, 7), {.loop = any_loop});
        // A cancel that came just before a task was done makes it a cancelled one (rule 84).
        for (std::size_t i = 0; i < workers; ++i) (void)co_await weft::test::ended(tasks[i]);
        stop = true;
        co_await canceller;
        for (std::size_t i = workers; i < tasks.size(); ++i) (void)co_await weft::test::ended(tasks[i]);
    };
    group.run(body(), std::chrono::minutes(30));

    CHECK(counts.put == items * kEach);
    CHECK(counts.got == counts.put);
    CHECK(counts.sum_got == counts.sum_put);
    CHECK(counts.interrupted > 0);
    CHECK(queues.main.empty());
    CHECK(queues.side.empty());
    CHECK_FALSE(room.ever_overfull());
    for (int i = 0; i < 3; ++i) CHECK(semaphore.try_acquire());
    CHECK_FALSE(semaphore.try_acquire());
    CHECK(lock.try_acquire());
    std::int64_t sum = 0;
    for (const std::int64_t each : own) sum += each;
    CHECK(counter == sum);
    CHECK(group.rescues() == 0);
}

TEST_CASE("conservation: a task of acquire() or get() that is cancelled from another loop has taken nothing") {
    const Group group(2);
    auto body = [&]() -> Coro<> {
        for (int i = 0; i < 3000; ++i) {
            weft::Lock lock;
            weft::Queue<int> queue;
            queue.put_nowait(1);
            const auto locks = create_task(lock.acquire(), {.loop = &group.loop(1)});
            const auto gets = create_task(queue.get(), {.loop = &group.loop(1)});
            co_await sleep(0s);
            for (int k = 0; k < i * 7 % 500; ++k) weft::scheduler::spin_hint();
            locks.cancel();
            gets.cancel();
            const std::string locked = co_await weft::test::ended(locks);
            CHECK(lock.locked() == (locked == "value"));
            const std::string got = co_await weft::test::ended(gets);
            CHECK(queue.empty() == (got == "value"));
        }
    };
    group.run(body());
}
