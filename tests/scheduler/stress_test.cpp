// Eight loops on whatever cores there are, with real threads: everything runs exactly once and nobody oversleeps.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "scheduler/condvar_parker.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/schedule.hpp"
#include "scheduler/threads.hpp"
#include "tests/support/countdown.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/together.hpp"

using namespace std::chrono_literals;
using weft::scheduler::Affinity;
using weft::scheduler::CondvarParker;
using weft::scheduler::current_loop;
using weft::scheduler::Loop;
using weft::scheduler::Neighbours;
using weft::scheduler::Runnable;
using weft::scheduler::schedule;
using weft::scheduler::Sent;
using weft::scheduler::Threads;
using weft::test::Countdown;
using weft::test::eventually;
using weft::test::Scripted;
using weft::test::tally;
using weft::test::Tally;
using weft::test::together;

namespace {

constexpr std::size_t kLoops = 8;

// Loops that report a lost wake-up in every build, not only in debug ones.
class EightLoops {
public:
    EightLoops() {
        for (std::size_t i = 0; i < kLoops; ++i) threads_.loop(i).bound_parks(5s);
        threads_.start(Threads::First::own_thread);
    }

    [[nodiscard]] Loop& loop(std::size_t i) { return threads_.loop(i % kLoops); }
    void stop() { threads_.stop(); }

    [[nodiscard]] std::uint64_t rescues() const { return sum(&Loop::rescues); }
    [[nodiscard]] std::uint64_t steals() const { return sum(&Loop::steals); }

private:
    [[nodiscard]] std::uint64_t sum(std::uint64_t (Loop::*of)() const) const {
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < kLoops; ++i) total += (threads_.loop(i).*of)();
        return total;
    }

    Threads threads_{{.loops = kLoops}, [](Neighbours& group) {
                         return std::make_unique<Loop>(std::make_unique<CondvarParker>(), group);
                     }};
};

// Where the `choice`-th random number leads, the same in each run.
std::uint32_t scramble(std::size_t choice) {
    auto x = static_cast<std::uint32_t>(choice) * 2654435769U + 12345;
    x ^= x >> 15;
    x *= 2246822519U;
    return x ^ (x >> 13);
}

// One of a heap-shaped family: node i makes its children 2i + 1 and 2i + 2, in all the ways there are.
class Node final : public Runnable {
public:
    struct Family {
        EightLoops& loops;
        std::vector<Node>& nodes;
        Countdown& left;
    };

    void prepare(Family& family, std::size_t number) {
        family_ = &family;
        number_ = number;
    }

    void run() noexcept override {
        runs_.fetch_add(1, std::memory_order_relaxed);
        if (home_ != nullptr && home_ != current_loop()) torn_.store(true, std::memory_order_relaxed);
        for (std::size_t child = 2 * number_ + 1; child <= 2 * number_ + 2; ++child) {
            if (child < family_->nodes.size()) send(family_->nodes[child], child);
        }
        family_->left.count_down(std::memory_order_relaxed);
    }
    void drop() noexcept override {}

    // Thread: any.
    void send(Node& node, std::size_t number) {
        node.prepare(*family_, number);
        const std::uint32_t choice = scramble(number);
        Loop& somewhere = family_->loops.loop(choice >> 8);
        switch (choice % 4) {
            case 0:  // a branch, at times taken back at once
                if (Loop* here = current_loop(); here != nullptr && here->push_branch(node)) {
                    if (choice % 8 == 0 && here->pop_branch(node)) node.run();
                    return;
                }
                [[fallthrough]];
            case 1: (void)schedule(node, somewhere.shell(), Affinity::stealable); return;
            case 2:
                node.home_ = &somewhere;
                (void)schedule(node, somewhere.shell(), Affinity::pinned);
                return;
            default: (void)somewhere.inject(node); return;
        }
    }

    [[nodiscard]] int runs() const { return runs_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool torn() const { return torn_.load(std::memory_order_relaxed); }

private:
    // Plain: ThreadSanitizer sees whether they reach the loop that runs the node.
    Family* family_ = nullptr;
    std::size_t number_ = 0;
    const Loop* home_ = nullptr;
    std::atomic<int> runs_{0};
    std::atomic<bool> torn_{false};
};

}  // namespace

TEST_CASE("stress: work that makes work runs exactly once on eight loops, pinned work at home") {
    constexpr std::size_t kNodes = 150'000;
    std::vector<Node> nodes(kNodes);
    EightLoops loops;
    Countdown left(kNodes);
    Node::Family family{loops, nodes, left};
    nodes[0].prepare(family, 0);
    CHECK(schedule(nodes[0], loops.loop(0).shell(), Affinity::stealable) == Sent::sent);
    CHECK(left.wait());
    loops.stop();
    CHECK(tally(nodes) == Tally{});
    CHECK(loops.steals() > 0);
    CHECK(loops.rescues() == 0);
}

TEST_CASE("stress: four plain threads send to eight loops, everything runs exactly once") {
    constexpr std::size_t kNodes = 40'000;
    constexpr std::size_t kSenders = 4;
    std::vector<Node> nodes(kNodes);
    std::vector<Node> childless(0);
    EightLoops loops;
    Countdown left(kNodes);
    Node::Family family{loops, childless, left};
    std::vector<std::function<void()>> senders;
    for (std::size_t sender = 0; sender < kSenders; ++sender) {
        senders.emplace_back([&, sender] {
            Node first;
            first.prepare(family, 0);
            for (std::size_t i = sender; i < kNodes; i += kSenders) first.send(nodes[i], i);
        });
    }
    together(senders);
    CHECK(left.wait());
    loops.stop();
    CHECK(tally(nodes) == Tally{});
    CHECK(loops.rescues() == 0);
}

namespace {

// Goes from loop to loop, so that nearly always one loop works and seven sleep or fall asleep.
class Traveller final : public Runnable {
public:
    Traveller(EightLoops& loops, Countdown& hops, std::size_t seed) : loops_(loops), hops_(hops), choice_(seed) {}

    void run() noexcept override {
        if (--left_ > 0) travel();
        hops_.count_down(std::memory_order_relaxed);
    }
    void drop() noexcept override {}

    void travel() {
        const std::uint32_t choice = scramble(choice_ += 8);
        Loop& next = loops_.loop(choice >> 8);
        (void)schedule(*this, next.shell(), choice % 2 == 0 ? Affinity::pinned : Affinity::stealable);
    }

    static constexpr int kHops = 20'000;

private:
    EightLoops& loops_;
    Countdown& hops_;
    std::size_t choice_;
    int left_ = kHops;
};

}  // namespace

TEST_CASE("stress: a few travellers among sleeping loops never get stuck") {
    EightLoops loops;
    Countdown hops(2 * Traveller::kHops);
    Traveller one(loops, hops, 1);
    Traveller other(loops, hops, 2);
    one.travel();
    other.travel();
    CHECK(hops.wait());
    loops.stop();
    CHECK(hops.left() == 0);
    CHECK(loops.rescues() == 0);
}

// Injected by a thread of no loop, one at a time: each depends on one sleeper's being woken.
TEST_CASE("stress: single pieces injected from outside never get stuck") {
    constexpr int kPieces = 5'000;
    std::atomic<int> ran{0};
    Scripted piece([&ran] { ran.fetch_add(1, std::memory_order_release); });
    EightLoops loops;
    bool in_time = true;
    for (int i = 0; i < kPieces && in_time; ++i) {
        (void)loops.loop(static_cast<std::size_t>(i)).inject(piece);
        in_time = eventually([&] { return ran.load(std::memory_order_acquire) == i + 1; });
    }
    loops.stop();
    CHECK(in_time);
    CHECK(ran.load() == kPieces);
    CHECK(loops.rescues() == 0);
}
