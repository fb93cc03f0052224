#include "scheduler/inbox.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "tests/support/recording.hpp"
#include "tests/support/together.hpp"

using weft::scheduler::Fifo;
using weft::scheduler::Inbox;
using weft::scheduler::Runnable;
using weft::test::counting;
using weft::test::Log;
using weft::test::number_of;
using weft::test::Recordings;
using weft::test::together;

namespace {

Log drain(Fifo& fifo) {
    Log numbers;
    while (const Runnable* runnable = fifo.pop()) numbers.push_back(number_of(runnable));
    return numbers;
}

// What one of several senders sent as its `number`-th.
class Letter final : public Runnable {
public:
    Letter(std::size_t sender, std::size_t number) : sender_(sender), number_(number) {}
    void run() noexcept override {}
    void drop() noexcept override {}

    const std::size_t sender_;
    const std::size_t number_;
};

constexpr std::size_t kSenders = 3;
constexpr std::size_t kLetters = 20'000;

// Checks that each sender's letters come in the order in which they were sent, none missing.
class Reader {
public:
    void read(Fifo& letters) {
        while (const Runnable* runnable = letters.pop()) {
            const auto* letter = static_cast<const Letter*>(runnable);
            in_order_ &= letter->number_ == received_[letter->sender_]++;
        }
    }

    [[nodiscard]] bool in_order() const { return in_order_; }
    [[nodiscard]] std::size_t received(std::size_t sender) const { return received_[sender]; }

private:
    std::array<std::size_t, kSenders> received_{};
    bool in_order_ = true;
};

std::array<std::deque<Letter>, kSenders> write_letters() {
    std::array<std::deque<Letter>, kSenders> letters;
    for (std::size_t sender = 0; sender < kSenders; ++sender) {
        for (std::size_t number = 0; number < kLetters; ++number) letters[sender].emplace_back(sender, number);
    }
    return letters;
}

}  // namespace

TEST_CASE("inbox: gives everything at once, in the order of sending, behind what is there") {
    Recordings r(5);
    Inbox inbox;
    Fifo into;
    CHECK(inbox.empty());
    CHECK_FALSE(inbox.take_all(into));
    into.push(r[1]);
    for (int i = 2; i <= 4; ++i) CHECK(inbox.push(r[i]) == Inbox::Push::sent);
    CHECK_FALSE(inbox.empty());
    CHECK(inbox.take_all(into));
    CHECK(inbox.empty());
    CHECK(inbox.push(r[5]) == Inbox::Push::sent);
    CHECK(inbox.take_all(into));
    CHECK(into.size() == 5);
    CHECK(drain(into) == counting(1, 5));
}

TEST_CASE("inbox: closing gives what is left and refuses everything later") {
    Recordings r(3);
    Inbox inbox;
    Fifo rest;
    CHECK(inbox.push(r[1]) == Inbox::Push::sent);
    CHECK(inbox.push(r[2]) == Inbox::Push::sent);
    inbox.close(rest);
    CHECK(drain(rest) == Log{1, 2});
    CHECK(inbox.push(r[3]) == Inbox::Push::closed);
    CHECK(inbox.empty());
    CHECK_FALSE(inbox.take_all(rest));
    inbox.close(rest);  // twice is once
    CHECK(rest.empty());
    CHECK(inbox.push(r[3]) == Inbox::Push::closed);
}

TEST_CASE("inbox: three senders, nothing lost, each one's order kept") {
    auto letters = write_letters();
    Inbox inbox;
    Reader reader;
    std::atomic<std::size_t> sending{kSenders};
    std::vector<std::function<void()>> threads;
    for (auto& mine : letters) {
        threads.emplace_back([&inbox, &sending, &mine] {
            for (Letter& letter : mine) (void)inbox.push(letter);
            sending.fetch_sub(1, std::memory_order_release);
        });
    }
    threads.emplace_back([&] {
        for (;;) {
            const bool last_look = sending.load(std::memory_order_acquire) == 0;
            Fifo arrived;
            if (!inbox.take_all(arrived) && last_look) return;
            reader.read(arrived);
        }
    });
    together(threads);
    CHECK(reader.in_order());
    for (std::size_t sender = 0; sender < kSenders; ++sender) CHECK(reader.received(sender) == kLetters);
}

TEST_CASE("inbox: what was sent before it closed arrives, what came later is refused") {
    auto letters = write_letters();
    Inbox inbox;
    Reader reader;
    std::array<std::size_t, kSenders> sent{};
    std::array<bool, kSenders> reopened{};
    std::atomic<std::size_t> sent_by_all{0};
    std::vector<std::function<void()>> threads;
    for (std::size_t sender = 0; sender < kSenders; ++sender) {
        threads.emplace_back([&, sender] {
            bool refused = false;
            for (Letter& letter : letters[sender]) {
                if (inbox.push(letter) == Inbox::Push::closed) {
                    refused = true;
                    continue;
                }
                reopened[sender] |= refused;
                ++sent[sender];
                sent_by_all.fetch_add(1, std::memory_order_relaxed);
            }
        });
    }
    threads.emplace_back([&] {
        Fifo arrived;
        while (sent_by_all.load(std::memory_order_relaxed) < kLetters) inbox.take_all(arrived);
        inbox.close(arrived);
        reader.read(arrived);
    });
    together(threads);
    CHECK(reader.in_order());
    for (std::size_t sender = 0; sender < kSenders; ++sender) {
        CHECK(reader.received(sender) == sent[sender]);
        CHECK_FALSE(reopened[sender]);
    }
}
