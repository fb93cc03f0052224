// Plain threads hand coroutines to loops that are shutting down: each gets a value, a cancellation or an error (rule
// 219), none hangs, and no task is left over.
#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "api/weft.hpp"
#include "scheduler/neighbours.hpp"
#include "tests/support/reports.hpp"

using namespace std::chrono_literals;
using weft::CancelledError;
using weft::Coro;
using weft::Loop;
using weft::Runner;
using weft::Runtime;
using weft::test::Reports;

namespace {

constexpr std::size_t kThreads = 8;

// How the calls ended.
struct Ends {
    std::atomic<int> value = 0;
    std::atomic<int> cancelled = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> hung = 0;
    std::atomic<int> alive = 0;  // coroutines whose locals have not been destroyed
};

class Alive {
public:
    explicit Alive(Ends& ends) : ends_(ends) { ++ends_.alive; }
    Alive(const Alive&) = delete;
    Alive& operator=(const Alive&) = delete;
    ~Alive() { --ends_.alive; }

private:
    Ends& ends_;
};

// Ends at once, in a few turns, when it is cancelled, or a little after that.
Coro<int> work(int kind, Ends& ends) {
    const Alive alive(ends);
    if (kind == 1) {
        for (int turn = 0; turn < 5; ++turn) co_await weft::sleep(0s);
    } else if (kind == 2) {
        co_await weft::create_future<>();
    } else if (kind == 3) {
        bool cancelled = false;
        try {
            co_await weft::sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) co_await weft::sleep(0s);
    }
    co_return kind;
}

// Hands work to the loops until one refuses it, at least once.
void hand_over(const std::vector<Loop*>& loops, std::size_t thread, Ends& ends) {
    for (std::size_t i = thread;; ++i) {
        // What waits for ever is handed over rarely: its thread waits for the shutdown.
        const int kind = i % 16 == 3 ? 2 : (i % 16 == 11 ? 3 : static_cast<int>(i % 2));
        try {
            const auto future = weft::run_coroutine_threadsafe(work(kind, ends), *loops[i % loops.size()]);
            (void)future.result(60s);
            ++ends.value;
        } catch (const CancelledError&) {
            ++ends.cancelled;
        } catch (const weft::TimeoutError&) {
            ++ends.hung;
            return;
        } catch (const std::runtime_error&) {  // "Event loop is closed"
            ++ends.refused;
            return;
        }
    }
}

// Eight threads hand work over while `shut_down` runs on this one, some time after they have begun.
void meet(const std::vector<Loop*>& loops, Ends& ends, const std::function<void()>& shut_down) {
    std::barrier start(static_cast<std::ptrdiff_t>(kThreads + 1));
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            start.arrive_and_wait();
            hand_over(loops, thread, ends);
        });
    }
    start.arrive_and_wait();
    shut_down();
}

std::vector<Loop*> loops_of(Runner& runner) {
    std::vector<Loop*> loops;
    for (weft::scheduler::Loop* loop : runner.get_loop().group().loops()) loops.push_back(static_cast<Loop*>(loop));
    return loops;
}

}  // namespace

TEST_CASE("rule 219: threads hand coroutines to a Runner that runs and closes: none hangs") {
    const Reports reports;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        for (int round = 0; round < 40; ++round) {
            Ends ends;
            {
                Runner runner({.loops = loops});
                meet(loops_of(runner), ends, [&] {
                    for (int run = 0; run < round % 4; ++run) runner.run(weft::sleep(0s));
                    runner.close();
                });
            }
            CHECK(ends.hung == 0);
            CHECK(ends.refused == kThreads);
            CHECK(ends.alive == 0);
        }
    }
}

TEST_CASE("rule 219: threads hand coroutines to a Runtime that stops: none hangs") {
    const Reports reports;
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        for (int round = 0; round < 40; ++round) {
            Ends ends;
            {
                Runtime runtime({.loops = loops});
                std::vector<Loop*> all;
                for (std::size_t i = 0; i < runtime.loops(); ++i) all.push_back(&runtime.loop(i));
                meet(all, ends, [&] {
                    if (round % 2 == 0) runtime.run(weft::sleep(0s));
                    runtime.stop();
                });
            }
            CHECK(ends.hung == 0);
            CHECK(ends.refused == kThreads);
            CHECK(ends.alive == 0);
        }
    }
}

TEST_CASE("rule 219: futures that threads cancel while a Runtime stops end, too") {
    const Reports reports;
    for (int round = 0; round < 40; ++round) {
        Ends ends;
        {
            Runtime runtime({.loops = 2});
            std::vector<weft::ConcurrentFuture<int>> futures;
            for (int i = 0; i < 64; ++i)
                futures.push_back(
                    weft::run_coroutine_threadsafe(work(2, ends), runtime.loop(static_cast<std::size_t>(i % 2))));
            std::jthread canceller([&] {
                for (const auto& future : futures) future.cancel();
            });
            runtime.stop();
            canceller.join();
            for (const auto& future : futures) ends.refused += future.done();
        }
        CHECK(ends.refused == 64);
        CHECK(ends.alive == 0);
    }
}
