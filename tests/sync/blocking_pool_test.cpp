// BlockingPool: threads when they are needed, no more than allowed, none for ever.
#include "sync/blocking_pool.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "scheduler/usable_cores.hpp"
#include "tests/support/countdown.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"

using namespace std::chrono_literals;
using weft::sync::BlockingPool;
using weft::test::Countdown;
using weft::test::eventually;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::together;

namespace {

// Blocks a thread of the pool until it is opened.
class Gate {
public:
    void pass() { open_.wait(); }
    void open() { open_.count_down(); }

private:
    std::latch open_{1};
};

}  // namespace

TEST_CASE("blocking_pool: it starts with no thread, and one does for jobs one after the other") {
    BlockingPool pool;
    CHECK(pool.threads() == 0);
    std::set<std::thread::id> threads;
    for (int i = 0; i < 20; ++i) {
        Countdown ran(1);
        pool.submit([&] {
            threads.insert(std::this_thread::get_id());
            ran.count_down();
        });
        CHECK(ran.wait());
        CHECK(eventually([&] { return pool.idle() == 1; }));
    }
    CHECK(pool.threads() == 1);
    CHECK(threads.size() == 1);
    CHECK(threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("blocking_pool: blocked jobs get a thread each up to the limit; the others wait their turn") {
    Gate gate;
    Countdown started(3);
    Countdown ended(5);
    BlockingPool pool({.most_threads = 3});
    for (int i = 0; i < 5; ++i) {
        pool.submit([&, i] {
            if (i < 3) started.count_down();
            gate.pass();
            ended.count_down();
        });
        CHECK(pool.threads() == static_cast<std::size_t>(std::min(i + 1, 3)));
    }
    CHECK(started.wait());
    CHECK(ended.left() == 5);
    gate.open();
    CHECK(ended.wait());
    CHECK(pool.threads() == 3);
}

TEST_CASE("blocking_pool: as many threads as CPython's pool") {
    CHECK(BlockingPool::default_most_threads() == std::min<std::size_t>(32, weft::scheduler::usable_cores() + 4));
}

TEST_CASE("blocking_pool: jobs that wait behind a limit of one run in order") {
    std::vector<int> order;
    {
        BlockingPool pool({.most_threads = 1});
        for (int i = 0; i < 100; ++i) pool.submit([&order, i] { order.push_back(i); });
    }
    std::vector<int> expected(100);
    for (int i = 0; i < 100; ++i) expected[static_cast<std::size_t>(i)] = i;
    CHECK(order == expected);
}

TEST_CASE("blocking_pool: its end waits for what runs and for what is queued") {
    Gate gate;
    int ran = 0;
    std::jthread opener;
    {
        BlockingPool pool({.most_threads = 1});
        for (int i = 0; i < 3; ++i) {
            pool.submit([&] {
                gate.pass();
                ++ran;
            });
        }
        opener = std::jthread([&] { gate.open(); });
    }
    CHECK(ran == 3);
}

TEST_CASE("blocking_pool: a stopped one refuses, and what is queued still runs") {
    Gate gate;
    Countdown ended(2);
    BlockingPool pool({.most_threads = 1});
    for (int i = 0; i < 2; ++i) {
        pool.submit([&] {
            gate.pass();
            ended.count_down();
        });
    }
    pool.stop();
    CHECK(thrown_by([&] {
              pool.submit([] {});
              return 0;
          }) == "error: cannot schedule new futures after shutdown");
    gate.open();
    CHECK(ended.wait());
}

TEST_CASE("blocking_pool: idle threads retire; the next job gets a new one") {
    BlockingPool pool({.most_threads = 4, .keep_alive = weft::Duration::zero()});
    for (int round = 0; round < 20; ++round) {
        Countdown ran(4);
        for (int i = 0; i < 4; ++i) pool.submit([&] { ran.count_down(); });
        CHECK(ran.wait());
        CHECK(eventually([&] { return pool.threads() == 0; }));
    }
}

TEST_CASE("blocking_pool: an abandoned one goes at once; its threads end what they were given") {
    Gate gate;
    auto ended = std::make_shared<Countdown>(2);
    auto pool = std::make_unique<BlockingPool>(BlockingPool::Options{.most_threads = 1});
    auto held = std::make_shared<int>(1);
    for (int i = 0; i < 2; ++i) {
        pool->submit([&gate, ended, held] {
            gate.pass();
            ended->count_down();
        });
    }
    pool->abandon();
    CHECK(pool->threads() == 0);
    pool.reset();
    CHECK(ended->left() == 2);
    gate.open();
    CHECK(ended->wait());
    CHECK(eventually([&] { return held.use_count() == 1; }));
}

TEST_CASE("blocking_pool: its threads take no signals") {
    sigset_t mask;
    sigemptyset(&mask);
    {
        BlockingPool pool;
        pool.submit([&] { pthread_sigmask(SIG_BLOCK, nullptr, &mask); });
    }
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGALRM, SIGCHLD}) CHECK(sigismember(&mask, signal) == 1);
    sigset_t own;
    pthread_sigmask(SIG_BLOCK, nullptr, &own);
    CHECK(sigismember(&own, SIGINT) == 0);
}

TEST_CASE("blocking_pool: what a job throws is reported, and the thread goes on") {
    const Reports reports;
    bool ran = false;
    {
        BlockingPool pool({.most_threads = 1});
        pool.submit([] { throw std::runtime_error("boom"); });
        pool.submit([&] { ran = true; });
    }
    CHECK(ran);
    CHECK(reports.count("Exception in a job of the blocking pool | std::runtime_error: boom") == 1);
}

TEST_CASE("blocking_pool: many submit while threads retire; every job runs once") {
    constexpr int kJobs = 2000;
    Countdown left(std::int64_t{3} * kJobs);
    {
        BlockingPool pool({.most_threads = 3, .keep_alive = 1us});
        const auto submit = [&] {
            for (int i = 0; i < kJobs; ++i) {
                pool.submit([&] { left.count_down(std::memory_order_relaxed); });
                if (i % 16 == 0) std::this_thread::yield();
            }
        };
        together({submit, submit, submit});
    }
    CHECK(left.left() == 0);
}
