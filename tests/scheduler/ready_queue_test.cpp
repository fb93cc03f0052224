#include "scheduler/ready_queue.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "tests/support/counted.hpp"
#include "tests/support/recording.hpp"
#include "tests/support/together.hpp"

using weft::scheduler::BasicReadyQueue;
using weft::scheduler::Runnable;
using weft::test::Counted;
using weft::test::counting;
using weft::test::Log;
using weft::test::number_of;
using weft::test::Recordings;
using weft::test::tally;
using weft::test::Tally;
using weft::test::together;

namespace {

using Small = BasicReadyQueue<4>;

template <class Queue>
void push(Queue& queue, Recordings& r, int first, int last) {
    for (int i = first; i <= last; ++i) queue.push(r[i]);
}

template <class Queue>
Log drain(Queue& queue) {
    Log numbers;
    while (const Runnable* runnable = queue.pop()) numbers.push_back(number_of(runnable));
    return numbers;
}

}  // namespace

TEST_CASE("ready queue: first in, first out, across the ring and its overflow") {
    Recordings r(100);
    Small queue;
    CHECK(queue.pop() == nullptr);
    for (int burst : {1, 3, 4, 5, 6, 7, 8, 9, 100}) {
        CAPTURE(burst);
        push(queue, r, 1, burst);
        CHECK(queue.size() == static_cast<std::size_t>(burst));
        CHECK(drain(queue) == counting(1, burst));
        CHECK(queue.empty());
    }
}

TEST_CASE("ready queue: a push waits behind the overflow even when the ring has room again") {
    Recordings r(9);
    Small queue;
    push(queue, r, 1, 6);
    CHECK(queue.pop() == &r[1]);
    CHECK(queue.pop() == &r[2]);
    push(queue, r, 7, 9);
    CHECK(queue.size() == 7);
    CHECK(drain(queue) == counting(3, 9));
}

TEST_CASE("ready queue: the order holds while the indices go round the ring many times") {
    Recordings r(13);
    Small queue;
    int in = 0;
    int out = 0;
    const auto number = [](int count) { return count % 13 + 1; };
    for (int turn = 0; turn < 5'000; ++turn) {
        for (int i = turn % 7; i >= 0 && in - out < 12; --i) queue.push(r[number(in++)]);
        for (int i = turn % 5; i >= 0 && out < in; --i) REQUIRE(number_of(queue.pop()) == number(out++));
        REQUIRE(queue.size() == static_cast<std::size_t>(in - out));
    }
    CHECK(in > 1'000 * 4);
}

TEST_CASE("ready queue: a thief takes the older half, runs the oldest and keeps the rest in order") {
    Recordings r(8);
    BasicReadyQueue<8> victim;
    BasicReadyQueue<8> thief;
    int available = 0;
    SUBCASE("of one") { available = 1; }
    SUBCASE("of two") { available = 2; }
    SUBCASE("of five") { available = 5; }
    SUBCASE("of a full ring") { available = 8; }
    CAPTURE(available);
    push(victim, r, 1, available);
    const int stolen = available - available / 2;
    CHECK(victim.steal(thief) == &r[1]);
    CHECK(drain(thief) == counting(2, stolen));
    CHECK(drain(victim) == counting(stolen + 1, available));
}

TEST_CASE("ready queue: a thief finds what only the overflow holds") {
    Recordings r(8);
    Small victim;
    Small thief;
    push(victim, r, 1, 8);
    CHECK(victim.steal(thief) == &r[1]);  // 1 and 2
    CHECK(victim.steal(thief) == &r[3]);
    CHECK(victim.steal(thief) == &r[4]);  // the ring is empty
    CHECK(drain(thief) == Log{2});
    CHECK(victim.size() == 4);
    CHECK(victim.steal(thief) == &r[5]);
    CHECK(drain(thief) == Log{6});  // the rest of its block
    CHECK(drain(victim) == Log{7, 8});
    CHECK(victim.steal(thief) == nullptr);
    CHECK(victim.empty());
}

TEST_CASE("ready queue: what the owner has alone follows in order, and its publication is told once") {
    Recordings r(7);
    Small queue;
    Small thief;
    push(queue, r, 1, 7);  // four in the ring, two in the overflow, one alone
    CHECK(queue.size() == 7);
    CHECK(queue.steal(thief) == &r[1]);
    CHECK(queue.steal(thief) == &r[3]);
    CHECK(queue.steal(thief) == &r[4]);
    CHECK(queue.steal(thief) == &r[5]);
    CHECK(drain(thief) == Log{2, 6});
    CHECK_FALSE(queue.has_spare());
    CHECK_FALSE(queue.empty());
    CHECK(queue.steal(thief) == nullptr);
    CHECK(queue.pop() == &r[7]);
    CHECK_FALSE(queue.has_published());  // it was the only one
    push(queue, r, 1, 6);
    CHECK(queue.has_spare());
    CHECK(drain(queue) == counting(1, 6));
}

TEST_CASE("ready queue: what a thief takes lands behind its own work") {
    Recordings r(8);
    Small victim;
    Small thief;
    push(thief, r, 6, 8);
    push(victim, r, 1, 4);
    CHECK(victim.steal(thief) == &r[1]);
    CHECK(drain(thief) == Log{6, 7, 8, 2});
    CHECK(drain(victim) == Log{3, 4});
}

TEST_CASE("ready queue: stolen work never jumps over the thief's own overflow") {
    Recordings r(16);
    Small victim;
    Small thief;
    push(thief, r, 1, 6);  // 5 and 6 in the overflow
    CHECK(thief.pop() == &r[1]);
    CHECK(thief.pop() == &r[2]);
    push(victim, r, 9, 16);
    CHECK(victim.steal(thief) == &r[9]);
    CHECK(victim.steal(thief) == &r[11]);
    CHECK(victim.steal(thief) == &r[12]);
    CHECK(victim.steal(thief) == &r[13]);  // from the overflow
    CHECK(drain(thief) == Log{3, 4, 5, 6, 10, 14});
    CHECK(drain(victim) == Log{15, 16});
}

// Bursts beyond the ring, so that owner and thieves meet in the ring, at its edges and in the overflow.
TEST_CASE_TEMPLATE("ready queue: the owner and two thieves run each item exactly once", Queue, Small,
                   BasicReadyQueue<256>) {
    constexpr std::size_t kItems = 60'000;
    std::vector<Counted> items(kItems);
    Queue queue;
    std::atomic<bool> pushed_all{false};
    const auto thief = [&queue, &pushed_all] {
        Queue own;
        for (;;) {
            const bool last_look = pushed_all.load(std::memory_order_acquire);
            Runnable* stolen = queue.steal(own);
            if (stolen == nullptr && last_look) return;
            if (stolen == nullptr) continue;
            stolen->run();
            while (Runnable* runnable = own.pop()) runnable->run();
        }
    };
    together({[&] {
                  std::size_t next = 0;
                  for (std::size_t burst = 1; next < kItems; burst = (burst * 5 + 3) % 389 + 1) {
                      for (std::size_t i = 0; i < burst && next < kItems; ++i) {
                          items[next].prepare();
                          queue.push(items[next++]);
                      }
                      for (std::size_t i = 0; i < burst / 2; ++i) {
                          if (Runnable* runnable = queue.pop()) runnable->run();
                      }
                  }
                  pushed_all.store(true, std::memory_order_release);
                  while (Runnable* runnable = queue.pop()) runnable->run();
              },
              thief, thief});
    CHECK(queue.empty());
    CHECK(tally(items) == Tally{});
}

// A loop about to sleep looks once at every queue. Work that moves from the overflow into the ring meanwhile must be
// seen in one of the two places: nobody tells the sleeper of it again. (Of a push it would be told.)
TEST_CASE("ready queue: one that never is empty does not look empty while its work moves into the ring") {
    constexpr int kRounds = 60'000;
    std::vector<Counted> items(10);
    Small queue;
    std::atomic<int> pushing{0};  // odd: just now; counts on, so that a look knows whether a push came between
    std::atomic<bool> finished{false};
    int looked_empty = 0;
    queue.push(items[0]);
    queue.push(items[1]);
    together({[&] {
                  std::size_t stays =
                      0;  // the first of two in the queue between two rounds; an even number is never left alone
                  for (int round = 0; round < kRounds; ++round, stays += 8) {
                      pushing.fetch_add(1);
                      for (std::size_t i = 2; i <= 9; ++i) queue.push(items[(stays + i) % 10]);
                      pushing.fetch_add(1);
                      for (std::size_t i = 2; i <= 9; ++i) (void)queue.pop();
                  }
                  finished.store(true, std::memory_order_relaxed);
              },
              [&] {
                  while (!finished.load(std::memory_order_relaxed)) {
                      const int before = pushing.load();
                      const bool empty = !queue.has_spare();
                      looked_empty += empty && before % 2 == 0 && pushing.load() == before;
                  }
              }});
    CHECK(looked_empty == 0);
}
