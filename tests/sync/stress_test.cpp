// Real threads, many more loops than cores, everything at once. Each round has a seed; a failure says which.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "sync/exception_context.hpp"
#include "sync/fork_join.hpp"
#include "sync/future.hpp"
#include "sync/gather.hpp"
#include "sync/report.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/group.hpp"

using namespace std::chrono_literals;
using weft::any_loop;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::test::Group;

namespace {

constexpr std::size_t kLoops = 8;
constexpr auto kBudget = 2s;

// Repeats a round with seeds 1, 2, 3, ... for as long as the budget lasts.
template <class Round>
void for_a_while(Round round) {
    const auto end = std::chrono::steady_clock::now() + kBudget;
    for (std::uint32_t seed = 1; std::chrono::steady_clock::now() < end; ++seed) {
        CAPTURE(seed);
        round(seed);
    }
}

class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}
    std::uint32_t operator()(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
    std::uint32_t seed() { return static_cast<std::uint32_t>(engine_()); }

private:
    std::minstd_rand engine_;
};

// Who was entered must be left, whatever happened in between.
std::atomic<std::int64_t> inside{0};
class Inside {
public:
    Inside() { inside.fetch_add(1, std::memory_order_relaxed); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { inside.fetch_sub(1, std::memory_order_relaxed); }
};

struct Gates {
    explicit Gates(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) all.push_back(create_future<int>());
    }
    std::vector<Future<int>> all;
};

enum class End : std::uint8_t { value, cancelled, error };

const std::string kPlanned = "planned, and too long for a string to keep it inside";

// Reads what an exception says, too: several loops own it.
template <class A>
Coro<End> quietly(A awaitable) {
    try {
        (void)co_await std::move(awaitable);
        co_return End::value;
    } catch (const weft::CancelledError&) {
        co_return End::cancelled;
    } catch (const std::exception& error) {
        co_return std::string_view(error.what()) == kPlanned ? End::error : End::value;
    }
}

Coro<int> work(const Gates& gates, std::uint32_t seed, unsigned depth);

Task<int> start(const Gates& gates, Random& random, unsigned depth) {
    const std::uint32_t seed = random.seed();
    if (random(4) == 0) return create_task(work(gates, seed, depth));  // where its creator is
    return create_task(work(gates, seed, depth), {.loop = any_loop});
}

Coro<int> work(const Gates& gates, std::uint32_t seed, unsigned depth) {
    const Inside counted;
    Random random(seed);
    int sum = 1;
    const std::uint32_t steps = 1 + random(3);
    for (std::uint32_t step = 0; step < steps; ++step) {
        const std::uint32_t what = random(depth == 0 ? 6 : 11);
        switch (what) {
            case 0: co_await sleep(0s); break;
            case 1: co_await sleep(random(200) * 1us); break;
            case 2: sum += co_await gates.all[random(static_cast<std::uint32_t>(gates.all.size()))]; break;
            case 3:
                if (random(8) == 0) throw std::runtime_error(kPlanned);
                break;
            case 4: sum += weft::current_task() ? 1 : 0; break;
            case 5: (void)co_await quietly(sleep(random(50) * 1us)); break;
            case 6: {
                const Task<int> child = start(gates, random, depth - 1);
                if (random(3) == 0) child.cancel("by its parent");
                (void)co_await quietly(child);
                break;
            }
            case 7: {
                const auto [a, b] =
                    co_await weft::gather(start(gates, random, depth - 1), start(gates, random, depth - 1));
                sum += a + b;
                break;
            }
            case 8: {
                std::vector<Task<int>> children;
                for (int i = 0; i < 3; ++i) children.push_back(start(gates, random, depth - 1));
                const auto outcomes = co_await weft::gather(weft::return_exceptions, std::move(children));
                sum += static_cast<int>(outcomes.size());
                break;
            }
            default: {
                std::vector<Coro<int>> branches;
                const std::uint32_t count = 2 + random(6);
                for (std::uint32_t i = 0; i < count; ++i) branches.push_back(work(gates, random.seed(), depth - 1));
                const std::vector<int> results = co_await weft::fork_join(std::move(branches));
                sum += static_cast<int>(results.size());
                break;
            }
        }
    }
    co_return sum;
}

class DestroyedTasks {
public:
    DestroyedTasks() {
        count_.store(0);
        weft::sync::set_report_sink([](const weft::ExceptionContext& context) {
            if (context.message.find("destroyed") != std::string::npos) count_.fetch_add(1);
        });
    }
    DestroyedTasks(const DestroyedTasks&) = delete;
    DestroyedTasks& operator=(const DestroyedTasks&) = delete;
    ~DestroyedTasks() { weft::sync::set_report_sink(nullptr); }
    [[nodiscard]] int count() const { return count_.load(); }

private:
    static inline std::atomic<int> count_{0};
};

struct Ends {
    int values = 0;
    int cancelled = 0;
    int errors = 0;
};

Coro<Ends> await_all(std::vector<Task<int>> tasks) {
    Ends ends;
    for (const auto& task : tasks) {
        switch (co_await quietly(task)) {
            case End::value: ++ends.values; break;
            case End::cancelled: ++ends.cancelled; break;
            case End::error: ++ends.errors; break;
        }
    }
    // Children whose gather failed early run on.
    for (int i = 0; i < 100'000 && weft::all_tasks().size() > 1; ++i) co_await sleep(100us);
    co_return ends;
}

}  // namespace

TEST_CASE("stress: tasks, gathers, branches, sleeps, and cancels from everywhere: every task is accounted for") {
    const DestroyedTasks destroyed;
    const Group group(kLoops);
    int rounds = 0;
    for_a_while([&](std::uint32_t seed) {
        ++rounds;
        constexpr int kTasks = 24;
        const Gates gates(16);
        auto make = [&]() -> Coro<std::vector<Task<int>>> {
            Random random(seed);
            std::vector<Task<int>> tasks;
            for (int i = 0; i < kTasks; ++i) {
                if (i % 3 == 0) {
                    tasks.push_back(create_task(work(gates, random.seed(), 3),
                                                {.loop = &group.loop(random(static_cast<std::uint32_t>(kLoops)))}));
                } else {
                    tasks.push_back(create_task(work(gates, random.seed(), 3), {.loop = any_loop}));
                }
            }
            co_return tasks;
        };
        const std::vector<Task<int>> tasks = group.run(make());
        std::thread completer([&] {
            Random random(seed + 1);
            for (const auto& gate : gates.all) {
                if (random(4) == 0) {
                    gate.cancel("gate");
                } else {
                    (void)gate.try_set_result(1);
                }
                if (random(3) == 0) std::this_thread::yield();
            }
        });
        std::thread canceller([&] {
            Random random(seed + 2);
            for (int i = 0; i < kTasks / 4; ++i) tasks[random(kTasks)].cancel("from a thread");
        });
        auto cancels = [&]() -> Coro<> {
            Random random(seed + 3);
            for (int i = 0; i < kTasks / 4; ++i) {
                tasks[random(kTasks)].cancel("from a loop");
                co_await sleep(random(2) * 20us);
            }
        };
        group.run(cancels(), seed % kLoops);
        const Ends ends = group.run(await_all(tasks), (seed + 3) % kLoops);
        completer.join();
        canceller.join();
        CHECK(ends.values + ends.cancelled + ends.errors == kTasks);
        CHECK(inside.load() == 0);
    });
    CHECK(group.rescues() == 0);
    CHECK(destroyed.count() == 0);
    CHECK(rounds > 0);
}

// For each future: two threads complete, a thread cancels, tasks on several loops await, and some of these tasks are
// cancelled themselves.
TEST_CASE("stress: complete x cancel x await: one outcome, and every waiter wakes exactly once") {
    const Group group(kLoops);
    int rounds = 0;
    for_a_while([&](std::uint32_t seed) {
        ++rounds;
        constexpr std::size_t kFutures = 32;
        constexpr std::size_t kWaiters = 4;
        const Gates gates(kFutures);
        std::vector<std::atomic<int>> wakes(kFutures * kWaiters);
        std::vector<std::atomic<int>> winners(kFutures);
        auto waits = [&](std::size_t which, std::size_t number) -> Coro<std::string> {
            std::string how;
            try {
                const int value = co_await gates.all[which];
                how = "value " + std::to_string(value);
            } catch (const weft::CancelledError& error) {
                how = "cancelled " + error.message();
            } catch (const std::runtime_error& error) {
                how = error.what();
            }
            wakes[number].fetch_add(1, std::memory_order_relaxed);
            co_return how;
        };
        auto make = [&]() -> Coro<std::vector<Task<std::string>>> {
            std::vector<Task<std::string>> tasks;
            for (std::size_t i = 0; i < kFutures * kWaiters; ++i) {
                if (i % 2 == 0) {
                    tasks.push_back(create_task(waits(i / kWaiters, i), {.loop = any_loop}));
                } else {
                    tasks.push_back(create_task(waits(i / kWaiters, i), {.loop = &group.loop(i % kLoops)}));
                }
            }
            co_return tasks;
        };
        const std::vector<Task<std::string>> tasks = group.run(make());
        const auto won = [&](std::size_t i) { winners[i].fetch_add(1, std::memory_order_relaxed); };
        std::vector<std::thread> threads;
        threads.emplace_back([&] {
            for (std::size_t i = 0; i < kFutures; ++i) {
                if (gates.all[i].try_set_result(7)) won(i);
            }
        });
        threads.emplace_back([&] {
            for (std::size_t i = kFutures; i-- > 0;) {
                if (gates.all[i].try_set_exception(std::runtime_error("failed"))) won(i);
            }
        });
        threads.emplace_back([&] {
            Random random(seed);
            for (std::size_t n = 0; n < kFutures / 2; ++n) {
                const std::size_t i = random(kFutures);
                if (gates.all[i].cancel("future")) won(i);
            }
        });
        auto cancels = [&]() -> Coro<> {
            Random random(seed + 1);
            for (std::size_t n = 0; n < kFutures / 4; ++n) {
                tasks[random(static_cast<std::uint32_t>(tasks.size()))].cancel("task");
                if (random(2) == 0) co_await sleep(0s);
            }
        };
        group.run(cancels(), seed % kLoops);
        for (std::thread& thread : threads) thread.join();
        int wrong = 0;
        auto check = [&]() -> Coro<> {
            for (std::size_t i = 0; i < tasks.size(); ++i) {
                const Future<int>& future = gates.all[i / kWaiters];
                std::string how;
                std::string outer = "value";
                try {
                    how = co_await tasks[i];
                } catch (const weft::CancelledError&) {
                    outer = "cancelled";  // before its first step, or after its only suspension
                }
                std::string expected = "value 7";
                if (future.cancelled()) {
                    expected = "cancelled ";
                } else if (future.exception() != nullptr) {
                    expected = "failed";
                }
                const bool by_the_future = outer == "value" && how.starts_with(expected);
                const bool by_its_own_cancel =
                    tasks[i].cancelling() > 0 && (outer == "cancelled" || how == "cancelled task");
                wrong += !by_the_future && !by_its_own_cancel;
                const int woken = wakes[i].load(std::memory_order_relaxed);
                wrong += woken > 1 || (woken == 0 && outer == "value");
            }
        };
        group.run(check());
        CHECK(wrong == 0);
        int several = 0;
        for (std::size_t i = 0; i < kFutures; ++i) {
            several += winners[i].load() > 1;
            CHECK(gates.all[i].done());
        }
        CHECK(several == 0);  // none: a cancelled waiter took it along
    });
    CHECK(group.rescues() == 0);
    CHECK(rounds > 0);
}

TEST_CASE("stress: a deep computation with leaves that suspend, again and again") {
    const Group group(kLoops);
    auto tree = [](auto& self, unsigned depth, std::uint32_t seed) -> Coro<unsigned> {
        if (depth == 0) {
            switch (seed % 16) {
                case 0: co_await sleep(0s); break;
                case 1: co_await sleep(10us); break;
                case 2: CHECK(weft::current_task()); break;
                default: break;
            }
            co_return 1;
        }
        const auto [a, b] = co_await weft::fork_join(self(self, depth - 1, seed * 1664525 + 1),
                                                     self(self, depth - 1, seed * 22695477 + 3));
        co_return a + b;
    };
    std::uint64_t steals = 0;
    for_a_while([&](std::uint32_t seed) {
        auto root = [&]() -> Coro<unsigned> {
            const auto a = create_task(tree(tree, 10, seed), {.loop = any_loop});
            const auto b = create_task(tree(tree, 9, seed + 1), {.loop = any_loop});
            co_return co_await a + co_await b;
        };
        CHECK(group.run(root(), seed % kLoops) == 1536);
    });
    for (std::size_t i = 0; i < kLoops; ++i) steals += group.loop(i).steals();
    CHECK(steals > 0);
    CHECK(group.rescues() == 0);
}
