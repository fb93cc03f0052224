// A program that runs for weeks: whatever is done a million times over leaves nothing in a long-lived future's list, no
// timer, and no memory.
#include <doctest/doctest.h>

#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sync/as_completed.hpp"
#include "sync/condition.hpp"
#include "sync/event.hpp"
#include "sync/gather.hpp"
#include "sync/lock.hpp"
#include "sync/queue.hpp"
#include "sync/select.hpp"
#include "sync/semaphore.hpp"
#include "sync/shield.hpp"
#include "sync/task_group.hpp"
#include "sync/timeout.hpp"
#include "sync/wait.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/heap.hpp"
#include "tests/support/timed.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::FIRST_COMPLETED;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::test::bytes_held;
using weft::test::ended;
using weft::test::Group;
using weft::test::kSanitized;
using weft::test::VirtualLoop;

namespace {

// Fewer where each takes longer; a block of any size lost each time would still be more than the limit.
#ifdef __OPTIMIZE__
constexpr int kTimes = kSanitized ? 20'000 : 1'000'000;
#else
constexpr int kTimes = kSanitized ? 20'000 : 100'000;
#endif
constexpr int kWarmUp = kTimes / 10;
constexpr std::size_t kLimit = 1'000'000;

// Awaits once(long_lived) again and again: what a tenth of the times needed must do for all.
template <class Once>
void again_and_again(Once once) {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const Future<int> long_lived = create_future<int>();
        for (int i = 0; i < kWarmUp; ++i) co_await once(long_lived);
        const std::size_t before = bytes_held();
        for (int i = kWarmUp; i < kTimes; ++i) co_await once(long_lived);
        CHECK(bytes_held() < before + kLimit);
        CHECK_FALSE(long_lived.done());
        CHECK_FALSE(long_lived.state().has_waiters());
        CHECK(loop.loop().armed_timers() == 0);
        CHECK(weft::current_task().cancelling() == 0);
        CHECK(weft::all_tasks().size() == 1);
    };
    loop.run_until_complete(body());
}

Coro<int> value(int n) { co_return n; }

Future<int> done_future() {
    const auto done = create_future<int>();
    done.set_result(1);
    return done;
}

}  // namespace

TEST_CASE("growth: rule 132: wait for the first of a long-lived future and a short one") {
    again_and_again([](Future<int> long_lived) -> Coro<> {
        const auto done = done_future();
        const std::vector<Future<int>> both{long_lived, done};
        (void)co_await weft::wait(both, {.timeout = 1h, .return_when = FIRST_COMPLETED});
    });
}

TEST_CASE("growth: rules 130, 132: wait for a long-lived future in vain") {
    again_and_again([](Future<int> long_lived) -> Coro<> {
        const std::vector<Future<int>> one{std::move(long_lived)};
        (void)co_await weft::wait(one, {.timeout = 1ms});
    });
}

TEST_CASE("growth: rule 132: waits that are cancelled") {
    again_and_again([](Future<int> long_lived) -> Coro<> {
        const std::vector<Future<int>> one{std::move(long_lived)};
        const auto waiter = create_task(weft::wait(one, {.timeout = 1h}), {.eager_start = true});
        waiter.cancel();
        (void)co_await ended(waiter);
    });
}

TEST_CASE("growth: rules 106, 133: wait_for what is done, and what comes in time") {
    again_and_again([](Future<int>) -> Coro<> {
        (void)co_await weft::wait_for(done_future(), 1h);
        (void)co_await weft::wait_for(value(1), 1h);
    });
}

TEST_CASE("growth: timeout scopes that never fire, and one that was postponed") {
    again_and_again([](Future<int>) -> Coro<> {
        auto postpones = [](weft::Timeout& scope) -> Coro<> {
            scope.reschedule(scope.when().value() + 1h);
            co_await sleep(0s);
        };
        co_await weft::timeout(1h, postpones);
    });
}

TEST_CASE("growth: as_completed that is left early") {
    again_and_again([](Future<int> long_lived) -> Coro<> {
        const std::vector<Future<int>> both{long_lived, done_future()};
        auto completed = weft::as_completed(both, 1h);
        const auto first = co_await completed.next();
        if (*first != both[1]) throw std::logic_error("the wrong one");
    });
}

TEST_CASE("growth: waits with timeouts on an event, a queue, a lock, a semaphore, a condition, and several of them") {
    weft::Event event;
    weft::Queue<int> empty;
    weft::Queue<int> full(1);
    full.put_nowait(1);
    weft::Lock lock;
    weft::Semaphore semaphore(0);
    weft::Condition condition;
    CHECK(lock.try_acquire());
    CHECK(condition.try_acquire());
    int turn = 0;
    again_and_again([&](Future<int>) -> Coro<> {
        switch (turn++ % 7) {
            case 0: (void)co_await ended(weft::wait_for(event.wait(), 1ms)); break;
            case 1: (void)co_await ended(weft::wait_for(empty.get(), 1ms)); break;
            case 2: (void)co_await ended(weft::wait_for(full.put(2), 1ms)); break;
            case 3: (void)co_await ended(weft::wait_for(lock.acquire(), 1ms)); break;
            case 4: (void)co_await ended(weft::wait_for(semaphore.acquire(), 1ms)); break;
            case 5:
                (void)co_await ended(weft::wait_for(weft::select(event.wait(), empty.get(), full.put(2)), 1ms));
                break;
            default: (void)co_await ended(weft::wait_for(condition.wait(), 1ms)); break;
        }
    });
    // Nobody is in line any more.
    CHECK(full.get_nowait() == 1);
    CHECK(full.empty());
    empty.put_nowait(3);
    CHECK(empty.qsize() == 1);
    lock.release();
    CHECK(lock.try_acquire());
    semaphore.release();
    CHECK(semaphore.try_acquire());
}

TEST_CASE("growth: many cancelled waiters leave a line in constant time each, whatever their order") {
    constexpr int kWaiters = kTimes / 10;
    VirtualLoop loop;
    weft::Event event;
    auto body = [&]() -> Coro<> {
        std::vector<Task<bool>> tasks;
        tasks.reserve(kWaiters);
        for (int i = 0; i < kWaiters; ++i) tasks.push_back(create_task(event.wait()));
        co_await sleep(0s);
        for (std::size_t i = 1; i < tasks.size(); i += 2) tasks[i].cancel();
        for (std::size_t i = tasks.size(); i > 1; i -= 2) tasks[i - 2].cancel();
        for (const Task<bool>& task : tasks) (void)co_await ended(task);
        event.set();  // wakes nobody
    };
    loop.run_until_complete(body());
}

TEST_CASE("growth: an item that many have left for another line passes each of them by once") {
    constexpr int kWaiters = kTimes / 10;
    VirtualLoop loop;
    weft::Event stop;
    weft::Queue<int> queue;
    auto waits = [&]() -> Coro<std::size_t> {
        const auto first = co_await weft::select(queue.get(), stop.wait());
        co_return first.index();
    };
    auto body = [&]() -> Coro<> {
        std::vector<Task<std::size_t>> tasks;
        tasks.reserve(kWaiters);
        for (int i = 0; i < kWaiters; ++i) tasks.push_back(create_task(waits()));
        co_await sleep(0s);
        stop.set();
        for (int i = 0; i < kWaiters; ++i) queue.put_nowait(i);
        for (const auto& task : tasks) CHECK_MESSAGE(co_await task == 1, "by the event");
        CHECK(queue.qsize() == kWaiters);
    };
    loop.run_until_complete(body());
}

TEST_CASE("growth: callbacks that are removed") {
    again_and_again([](Future<int> long_lived) -> Coro<> {
        const weft::CallbackId id = long_lived.add_done_callback([](const Future<int>&) {});
        if (long_lived.remove_done_callback(id) != 1) throw std::logic_error("not removed");
        co_return;
    });
}

TEST_CASE("growth: a million tasks give their memory back to the pool") {
    again_and_again([](Future<int>) -> Coro<> {
        const Task<int> queued = create_task(value(1));
        const Task<int> eager = create_task(value(2), {.eager_start = true});
        (void)co_await queued;
        (void)co_await eager;
    });
}

TEST_CASE("growth: groups, gathers and shields of short children") {
    again_and_again([](Future<int>) -> Coro<> {
        auto starts = [](weft::TaskGroup& group) -> Coro<> {
            group.create_task(value(1));
            co_return;
        };
        co_await weft::task_group(starts);
        (void)co_await weft::gather(value(1), value(2));
        (void)co_await weft::shield(value(3));
    });
}

// What must be left is one waiter: it will report a failure that no shield passes on (rule 150).
TEST_CASE("growth: shields of a long-lived future that time out or are cancelled leave one waiter altogether") {
    constexpr int kFewer = kTimes / 4;  // each throws several times
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const Future<int> long_lived = create_future<int>();
        const auto once = [](Future<int> inner) -> Coro<> {
            (void)co_await ended(weft::wait_for(weft::shield(inner), 1ms));
            weft::shield(inner).cancel();
        };
        co_await once(long_lived);
        REQUIRE(long_lived.state().has_waiters());
        for (int i = 0; i < kFewer / 10; ++i) co_await once(long_lived);
        const std::size_t before = bytes_held();
        for (int i = kFewer / 10; i < kFewer; ++i) co_await once(long_lived);
        CHECK(bytes_held() < before + kLimit);
        CHECK(loop.loop().armed_timers() == 0);
        long_lived.set_result(1);
        CHECK_FALSE(long_lived.state().has_waiters());
        // An ended list of a million would have queued a million entries.
        const int turn = loop.turns();
        co_await sleep(0s);
        CHECK(loop.turns() == turn + 1);
    };
    loop.run_until_complete(body());
}

// Tasks that hop between loops, all on one future: timers are disarmed by messages, list edits race.
TEST_CASE("growth: many loops wait on one long-lived future, in vain") {
    constexpr int kTasks = 8;
    constexpr int kEach = kTimes / 40;
    const Group group(4);
    const Future<int> long_lived = create_future<int>();
    auto waits = [&](int times) -> Coro<int> {
        int wrong = 0;
        const std::vector<Future<int>> one{long_lived};
        for (int i = 0; i < times; ++i) {
            const std::vector<Future<int>> both{long_lived, done_future()};
            const auto result = co_await weft::wait(both, {.timeout = 1h, .return_when = FIRST_COMPLETED});
            wrong += result.done.size() != 1;
            auto nothing = []() -> Coro<> { co_await sleep(0s); };
            co_await weft::timeout(1h, nothing);
            const weft::CallbackId id = long_lived.add_done_callback([](const Future<int>&) {});
            wrong += long_lived.remove_done_callback(id) != 1;
            if (i % 64 == 0) {
                const auto none = co_await weft::wait(one, {.timeout = 10us});
                wrong += !none.done.empty();
            }
        }
        co_return wrong;
    };
    auto round = [&](int times) -> Coro<int> {
        std::vector<Task<int>> tasks;
        for (int i = 0; i < kTasks; ++i) tasks.push_back(create_task(waits(times), {.loop = weft::any_loop}));
        int wrong = 0;
        for (const auto& task : tasks) wrong += co_await task;
        co_return wrong;
    };
    CHECK(group.run(round(kEach / 4)) == 0);
    const std::size_t before = bytes_held();
    CHECK(group.run(round(kEach)) == 0);
    CHECK(bytes_held() < before + 4 * kLimit);  // each loop keeps some blocks for itself
    CHECK_FALSE(long_lived.state().has_waiters());
    CHECK(group.rescues() == 0);
}
