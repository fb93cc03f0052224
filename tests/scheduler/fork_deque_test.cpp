#include "scheduler/fork_deque.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/support/counted.hpp"
#include "tests/support/recording.hpp"
#include "tests/support/together.hpp"

using weft::scheduler::BasicForkDeque;
using weft::scheduler::ForkDeque;
using weft::scheduler::Runnable;
using weft::test::Counted;
using weft::test::Log;
using weft::test::number_of;
using weft::test::Recordings;
using weft::test::tally;
using weft::test::Tally;
using weft::test::together;

namespace {

using Small = BasicForkDeque<4>;
using Push = Small::Push;

}  // namespace

TEST_CASE("fork deque: last in, first out") {
    Recordings r(3);
    Small deque;
    CHECK(deque.empty());
    CHECK(deque.pop() == nullptr);
    for (int i = 1; i <= 3; ++i) CHECK(deque.push(r[i]) == Push::kept);
    CHECK_FALSE(deque.empty());
    CHECK(deque.pop() == &r[3]);
    CHECK(deque.pop() == &r[2]);
    CHECK(deque.pop() == &r[1]);
    CHECK(deque.pop() == nullptr);
    CHECK(deque.empty());
}

TEST_CASE("fork deque: pop_private_if takes the newest unless a thief could have it") {
    Recordings r(2);
    Small deque;
    CHECK_FALSE(deque.pop_private_if(r[1]));
    deque.set_hungry();
    CHECK(deque.push(r[1]) == Push::promoted);
    CHECK_FALSE(deque.pop_private_if(r[1]));  // public
    CHECK(deque.push(r[2]) == Push::kept);
    CHECK_FALSE(deque.pop_private_if(r[1]));  // not on top
    CHECK(deque.pop_private_if(r[2]));
    CHECK_FALSE(deque.pop_private_if(r[2]));
    CHECK(deque.pop_if(r[1]));
    CHECK(deque.empty());
}

TEST_CASE("fork deque: pop_if takes the newest and nothing else") {
    Recordings r(3);
    Small deque;
    CHECK_FALSE(deque.pop_if(r[1]));
    CHECK(deque.push(r[1]) == Push::kept);
    CHECK(deque.push(r[2]) == Push::kept);
    CHECK_FALSE(deque.pop_if(r[1]));  // not on top
    CHECK_FALSE(deque.pop_if(r[3]));  // not there
    CHECK(deque.pop_if(r[2]));
    CHECK_FALSE(deque.pop_if(r[2]));
    CHECK(deque.pop_if(r[1]));
    CHECK(deque.empty());
}

TEST_CASE("fork deque: nothing is public until a thief is hungry") {
    Recordings r(4);
    Small deque;
    CHECK(deque.push(r[1]) == Push::kept);
    CHECK_FALSE(deque.has_public());
    CHECK(deque.steal() == nullptr);  // and now it is hungry
    CHECK_FALSE(deque.has_public());
    CHECK(deque.push(r[2]) == Push::promoted);
    CHECK(deque.has_public());
    CHECK(deque.push(r[3]) == Push::kept);  // one promotion per hunger
    CHECK(deque.steal() == &r[1]);
    CHECK_FALSE(deque.has_public());
    CHECK(deque.pop() == &r[3]);
    CHECK(deque.pop() == &r[2]);
}

TEST_CASE("fork deque: a promotion makes the older half public, at least one") {
    Recordings r(4);
    Small deque;
    int pushed = 0;
    SUBCASE("of one") { pushed = 1; }
    SUBCASE("of two") { pushed = 2; }
    SUBCASE("of three") { pushed = 3; }
    SUBCASE("of four") { pushed = 4; }
    for (int i = 1; i < pushed; ++i) CHECK(deque.push(r[i]) == Push::kept);
    deque.set_hungry();
    CHECK(deque.push(r[pushed]) == Push::promoted);
    const int expected = (pushed + 1) / 2;
    for (int i = 1; i <= expected; ++i) CHECK(deque.steal() == &r[i]);
    CHECK(deque.steal() == nullptr);
    for (int i = pushed; i > expected; --i) CHECK(deque.pop() == &r[i]);
    CHECK(deque.empty());
}

TEST_CASE("fork deque: the owner takes back what is public") {
    Recordings r(4);
    Small deque;
    CHECK(deque.push(r[1]) == Push::kept);
    CHECK(deque.push(r[2]) == Push::kept);
    deque.set_hungry();
    CHECK(deque.push(r[3]) == Push::promoted);  // 1 and 2 are public
    CHECK(deque.pop() == &r[3]);
    SUBCASE("with pop") {
        CHECK(deque.pop() == &r[2]);
        CHECK(deque.pop() == &r[1]);
    }
    SUBCASE("with pop_if, and only the newest") {
        CHECK_FALSE(deque.pop_if(r[1]));
        CHECK(deque.pop_if(r[2]));
        CHECK(deque.pop_if(r[1]));
    }
    SUBCASE("but not what was stolen") {
        CHECK(deque.steal() == &r[1]);
        CHECK_FALSE(deque.pop_if(r[1]));
        CHECK(deque.pop_if(r[2]));
        CHECK_FALSE(deque.pop_if(r[1]));
    }
    SUBCASE("and pushes on top of it") {
        CHECK(deque.push(r[4]) == Push::kept);
        CHECK(deque.pop_if(r[4]));
        CHECK(deque.pop_if(r[2]));
        CHECK(deque.steal() == &r[1]);
    }
    CHECK(deque.empty());
    CHECK_FALSE(deque.has_public());
    CHECK(deque.pop() == nullptr);
}

TEST_CASE("fork deque: a full one refuses and stays as it was") {
    Recordings r(6);
    Small deque;
    for (int i = 1; i <= 4; ++i) CHECK(deque.push(r[i]) == Push::kept);
    CHECK(deque.push(r[5]) == Push::full);
    CHECK(deque.pop() == &r[4]);
    CHECK(deque.push(r[5]) == Push::kept);
    deque.set_hungry();
    CHECK(deque.push(r[6]) == Push::full);
    CHECK(deque.pop() == &r[5]);
    CHECK(deque.push(r[4]) == Push::promoted);  // 1 and 2
    CHECK(deque.push(r[6]) == Push::full);      // public ones count, too
    CHECK(deque.steal() == &r[1]);
    CHECK(deque.push(r[6]) == Push::kept);
    for (int i : {6, 4, 3, 2}) CHECK(deque.pop() == &r[i]);
    CHECK(deque.empty());
}

TEST_CASE("fork deque: the capacity holds for the real one") {
    Recordings r(1);
    ForkDeque deque;
    int pushed = 0;
    while (deque.push(r[1]) == ForkDeque::Push::kept) ++pushed;
    CHECK(pushed == 4096);
}

// 16-bit indices, 65536 of them: with thefts they only move up.
TEST_CASE_TEMPLATE("fork deque: the order holds while the indices wrap around", Deque, Small, BasicForkDeque<32768>) {
    Recordings r(4);
    Deque deque;
    for (int round = 0; round < 70'000; ++round) {
        REQUIRE(deque.push(r[1]) == Deque::Push::kept);
        REQUIRE(deque.push(r[2]) == Deque::Push::kept);
        deque.set_hungry();
        REQUIRE(deque.push(r[3]) == Deque::Push::promoted);
        REQUIRE(deque.push(r[4]) == Deque::Push::kept);
        REQUIRE(deque.steal() == &r[1]);
        REQUIRE(deque.pop_if(r[4]));
        REQUIRE(deque.pop_if(r[3]));
        REQUIRE_FALSE(deque.pop_if(r[1]));
        if (round % 2 == 0) {
            REQUIRE(deque.steal() == &r[2]);
        } else {
            REQUIRE(deque.pop_if(r[2]));
        }
        REQUIRE(deque.empty());
        REQUIRE_FALSE(deque.has_public());
    }
}

TEST_CASE("fork deque: is full at the right place wherever the indices are") {
    Recordings r(5);
    Small deque;
    for (int round = 0; round < 66'000; ++round) {
        deque.set_hungry();
        REQUIRE(deque.push(r[1]) == Push::promoted);
        for (int i = 2; i <= 4; ++i) REQUIRE(deque.push(r[i]) == Push::kept);
        REQUIRE(deque.push(r[5]) == Push::full);
        REQUIRE(deque.steal() == &r[1]);
        for (int i = 4; i >= 2; --i) REQUIRE(deque.pop() == &r[i]);
    }
}

namespace {

// The owner of a deque that two thieves rob: goes up and down as a recursion does.
template <class Deque>
class Recursion {
public:
    Recursion(Deque& deque, std::vector<Counted>& items, const std::atomic<std::uint64_t>& thefts)
        : deque_(deque), items_(items), thefts_(thefts) {}

    void run() {
        for (std::uint32_t choice = 1; next_ < items_.size() || !stack_.empty();) {
            choice = choice * 1664525 + 1013904223;
            if (next_ < items_.size() && (stack_.empty() || (choice >> 16) % 100 < 55)) {
                fork();
            } else if ((choice >> 8) % 16 == 0) {
                join_any();
            } else {
                join();
            }
        }
    }

    [[nodiscard]] std::size_t taken_back() const { return taken_back_; }
    [[nodiscard]] bool wrong_order() const { return wrong_order_; }

private:
    void fork() {
        Counted& branch = items_[next_++];
        branch.prepare();
        const auto pushed = deque_.push(branch);
        if (pushed == Deque::Push::full) return branch.run();
        stack_.push_back(&branch);
        if (pushed == Deque::Push::promoted && next_ >= next_wait_) wait_for_thief();
    }

    // Takes whatever is newest.
    void join_any() {
        Runnable* newest = deque_.pop();
        if (newest == nullptr) return stack_.clear();  // all were stolen
        wrong_order_ |= newest != stack_.back();
        take_back();
    }

    void join() {
        if (deque_.pop_if(*stack_.back())) return take_back();
        stack_.pop_back();
    }

    void take_back() {
        stack_.back()->run();
        stack_.pop_back();
        ++taken_back_;
    }

    // With fewer free cores than threads the thieves would sleep through the whole test.
    void wait_for_thief() {
        next_wait_ = next_ + 20'000;
        const std::uint64_t before = thefts_.load(std::memory_order_relaxed);
        while (deque_.has_public() && thefts_.load(std::memory_order_relaxed) == before) std::this_thread::yield();
    }

    Deque& deque_;
    std::vector<Counted>& items_;
    const std::atomic<std::uint64_t>& thefts_;
    std::vector<Counted*> stack_;  // what pop_if is asked for, newest last
    std::size_t next_ = 0;
    std::size_t next_wait_ = 0;
    std::size_t taken_back_ = 0;
    bool wrong_order_ = false;
};

}  // namespace

// The thieves are always hungry; the small deque is full all the time.
TEST_CASE_TEMPLATE("fork deque: the owner and two thieves run each branch exactly once", Deque, Small, ForkDeque) {
    std::vector<Counted> items(150'000);
    Deque deque;
    std::atomic<bool> forked_all{false};
    std::atomic<std::uint64_t> thefts{0};
    std::atomic<int> hungry{0};
    const auto thief = [&deque, &forked_all, &thefts, &hungry] {
        for (bool first_look = true;; first_look = false) {
            const bool last_look = forked_all.load(std::memory_order_acquire);
            Runnable* stolen = deque.steal();
            if (first_look) hungry.fetch_add(1, std::memory_order_relaxed);
            if (stolen == nullptr && last_look) return;
            if (stolen == nullptr) continue;
            stolen->run();
            thefts.fetch_add(1, std::memory_order_relaxed);
        }
    };
    Recursion<Deque> owner(deque, items, thefts);
    together({[&] {
                  while (hungry.load(std::memory_order_relaxed) != 2) std::this_thread::yield();  // both are awake
                  owner.run();
                  forked_all.store(true, std::memory_order_release);
              },
              thief, thief});
    CHECK(deque.empty());
    CHECK(tally(items) == Tally{});
    CHECK_FALSE(owner.wrong_order());
    CHECK(thefts.load() > 0);
    CHECK(owner.taken_back() > 0);
}
