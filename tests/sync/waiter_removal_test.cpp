// Taking waiters out of a future's list: on one thread in every order, then with everything racing.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sync/future.hpp"
#include "sync/future_state.hpp"
#include "tests/support/together.hpp"

using weft::sync::FutureRef;
using weft::sync::FutureState;
using weft::sync::Outcome;
using weft::sync::RemovableWaiter;
using weft::sync::ValueFutureState;
using weft::sync::Waiter;
using weft::test::together;

namespace {

using Add = FutureState::Add;
using Log = std::vector<int>;

// Write their number when they are woken, minus their number when they are abandoned.
class Fixed final : public Waiter {
public:
    Fixed(Log& log, int number) : log_(log), number_(number) {}
    void wake() noexcept override { log_.push_back(number_); }
    void abandon() noexcept override { log_.push_back(-number_); }
    void run() noexcept override {}
    void drop() noexcept override {}

private:
    Log& log_;
    const int number_;
};

class Leaving final : public RemovableWaiter {
public:
    Leaving(Log& log, int number) : log_(log), number_(number) {}
    void wake() noexcept override { log_.push_back(number_); }
    void abandon() noexcept override { log_.push_back(-number_); }
    void run() noexcept override {}
    void drop() noexcept override {}

private:
    Log& log_;
    const int number_;
};

// A list described by a text, oldest first: a letter for each waiter, capital ones are fixed.
class List {
public:
    explicit List(const std::string& description) : future_(new ValueFutureState<int>), ref_(future_) {
        for (const char c : description) push(c);
    }

    void push(char c) {
        if (c >= 'A' && c <= 'Z') {
            fixed_.push_back(std::make_unique<Fixed>(log_, c));
            (void)future_->add_waiter(*fixed_.back());
        } else {
            leaving_.push_back({c, std::make_unique<Leaving>(log_, c)});
            (void)future_->add_waiter(*leaving_.back().waiter);
        }
    }
    bool remove(char c) {
        const auto found =
            std::find_if(leaving_.begin(), leaving_.end(), [c](const Entry& entry) { return entry.name == c; });
        return future_->remove_waiter(*found->waiter);
    }
    void finish() { (void)future_->try_set_value(1); }
    [[nodiscard]] FutureState& future() const { return *future_; }
    // Who was woken, in order.
    [[nodiscard]] std::string woken() const {
        std::string text;
        for (const int number : log_) text += static_cast<char>(number);
        return text;
    }

private:
    struct Entry {
        char name;
        std::unique_ptr<Leaving> waiter;
    };
    Log log_;
    std::vector<std::unique_ptr<Fixed>> fixed_;
    std::vector<Entry> leaving_;
    ValueFutureState<int>* future_;
    FutureRef ref_;
};

std::string without(std::string text, char c) {
    text.erase(text.find(c), 1);
    return text;
}

}  // namespace

TEST_CASE("waiter_removal: one from the head, the middle, the tail; the others keep their order") {
    for (const std::string all : {"a", "ab", "abc", "abcde"}) {
        for (const char c : all) {
            CAPTURE(all);
            CAPTURE(c);
            List list(all);
            CHECK(list.remove(c));
            CHECK(list.future().has_waiters() == (all.size() > 1));
            list.finish();
            CHECK(list.woken() == without(all, c));
        }
    }
}

TEST_CASE("waiter_removal: every order of removal, among waiters that stay") {
    for (const std::string all : {"abcd", "AbcdE", "aBcDe", "ABcDEfG", "aBCDEf", "abABcd", "aAbBcCdD"}) {
        std::string leavers;
        for (const char c : all) {
            if (c >= 'a') leavers += c;
        }
        std::sort(leavers.begin(), leavers.end());
        int wrong = 0;
        do {
            for (std::size_t count = 1; count <= leavers.size(); ++count) {
                List list(all);
                std::string rest = all;
                for (std::size_t i = 0; i < count; ++i) {
                    wrong += !list.remove(leavers[i]);
                    rest = without(rest, leavers[i]);
                    // A newer one comes while some have gone.
                    if (i == 0) {
                        list.push('z');
                        list.push('Z');
                        rest += "zZ";
                    }
                }
                wrong += list.future().has_waiters() != !rest.empty();
                list.finish();
                wrong += list.woken() != rest;
            }
        } while (std::next_permutation(leavers.begin(), leavers.end()));
        CAPTURE(all);
        CHECK(wrong == 0);
    }
}

TEST_CASE("waiter_removal: after the end it is too late, and it was woken") {
    List list("abc");
    list.finish();
    CHECK_FALSE(list.remove('b'));
    CHECK(list.woken() == "abc");
    CHECK_FALSE(list.future().has_waiters());
}

TEST_CASE("waiter_removal: while a completer is at work (claimed), one can still leave") {
    List list("aBc");
    CHECK(list.future().claim() == FutureState::Claim::won);
    CHECK(list.remove('a'));
    CHECK(list.remove('c'));
    list.future().finish(Outcome::value);
    CHECK(list.woken() == "B");
}

TEST_CASE("waiter_removal: a future that dies pending abandons who is still there, once") {
    Log log;
    std::deque<Leaving> waiters;
    for (int i = 1; i <= 4; ++i) waiters.emplace_back(log, i);
    {
        auto* state = new ValueFutureState<void>;
        const FutureRef ref(state);
        for (Leaving& waiter : waiters) (void)state->add_waiter(waiter);
        CHECK(state->remove_waiter(waiters[1]));
        CHECK(state->remove_waiter(waiters[3]));
    }
    std::sort(log.begin(), log.end());
    CHECK(log == Log{-3, -1});
}

namespace {

// Counts how often an editor walks past it.
class Milestone final : public Waiter {
public:
    explicit Milestone(std::size_t& visits) : visits_(visits) {}
    void wake() noexcept override {}
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}
    [[nodiscard]] RemovableWaiter* removable() noexcept override {
        ++visits_;
        return nullptr;
    }

private:
    std::size_t& visits_;
};

class Silent final : public RemovableWaiter {
public:
    void wake() noexcept override { ++wakes_; }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    int wakes_ = 0;
};

using Order = std::vector<std::size_t>;

Order newest_first(std::size_t n) {
    Order order(n);
    std::iota(order.rbegin(), order.rend(), std::size_t{0});
    return order;
}

// Removes `n` waiters, between which others stay, in the order given. Returns how often an editor walked past one of
// those that stay.
std::size_t visits_to_remove(const Order& order) {
    std::size_t visits = 0;
    const std::size_t n = order.size();
    std::vector<Silent> leaving(n);
    std::deque<Milestone> staying;
    auto* state = new ValueFutureState<int>;
    const FutureRef ref(state);
    for (Silent& waiter : leaving) {
        (void)state->add_waiter(staying.emplace_back(visits));
        (void)state->add_waiter(waiter);
    }
    std::size_t failed = 0;
    for (const std::size_t i : order) failed += !state->remove_waiter(leaving[i]);
    CHECK(failed == 0);
    state->try_set_value(1);
    CHECK(std::all_of(leaving.begin(), leaving.end(), [](const Silent& waiter) { return waiter.wakes_ == 0; }));
    return visits;
}

}  // namespace

// Not a clock's word: 100,000 removals in whatever order walk past each of the others a few times at most.
TEST_CASE("waiter_removal: its cost is O(1) amortised, whatever the order") {
    constexpr std::size_t kCount = 100'000;
    const Order newest = newest_first(kCount);
    const Order oldest(newest.rbegin(), newest.rend());
    Order every_second;
    for (std::size_t i = 0; i < kCount; i += 2) every_second.push_back(newest[i + 1]);
    for (std::size_t i = 0; i < kCount; i += 2) every_second.push_back(newest[i]);
    Order inwards;
    for (std::size_t i = 0; i < kCount / 2; ++i) {
        inwards.push_back(newest[i]);
        inwards.push_back(oldest[i]);
    }
    const Order outwards(inwards.rbegin(), inwards.rend());
    Order shuffled = newest;
    std::shuffle(shuffled.begin(), shuffled.end(), std::minstd_rand(7));
    CHECK(visits_to_remove(oldest) <= 8 * kCount);
    CHECK(visits_to_remove(newest) <= 8 * kCount);
    CHECK(visits_to_remove(every_second) <= 8 * kCount);
    CHECK(visits_to_remove(inwards) <= 8 * kCount);
    CHECK(visits_to_remove(outwards) <= 8 * kCount);
    CHECK(visits_to_remove(shuffled) <= 8 * kCount);
}

// What repeated waits with a timeout on one long-lived future do, while others come and stay.
TEST_CASE("waiter_removal: add and remove on a future with many waiters costs the same each time") {
    constexpr std::size_t kRounds = 100'000;
    constexpr std::size_t kStaying = 1000;
    std::size_t visits = 0;
    std::deque<Milestone> staying;
    auto* state = new ValueFutureState<int>;
    const FutureRef ref(state);
    for (std::size_t i = 0; i < kStaying; ++i) (void)state->add_waiter(staying.emplace_back(visits));
    std::size_t failed = 0;
    for (std::size_t i = 0; i < kRounds; ++i) {
        Silent first;
        Silent second;
        (void)state->add_waiter(first);
        (void)state->add_waiter(second);
        failed += !state->remove_waiter(first);
        failed += !state->remove_waiter(second);
    }
    CHECK(failed == 0);
    CHECK(visits <= 8 * kRounds);
}

namespace {

// What a wake finds must be what the adding thread wrote; neither is atomic, so ThreadSanitizer sees a missing order.
class Racer final : public RemovableWaiter {
public:
    Racer(std::atomic<int>& clock, FutureState& future) : clock_(clock), future_(future), payload_(kPayload) {}
    void wake() noexcept override {
        if (payload_ != kPayload || !future_.done()) early_ = true;
        woken_at_ = clock_.fetch_add(1, std::memory_order_relaxed);
        ++wakes_;
    }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    int wakes_ = 0;
    int woken_at_ = 0;
    bool early_ = false;

private:
    static constexpr int kPayload = 4711;
    std::atomic<int>& clock_;
    FutureState& future_;
    int payload_;
};

// Stays; wakes in the order of its adding among all of its thread's.
class Stayer final : public Waiter {
public:
    explicit Stayer(std::atomic<int>& clock) : clock_(clock) {}
    void wake() noexcept override {
        woken_at_ = clock_.fetch_add(1, std::memory_order_relaxed);
        ++wakes_;
    }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    int wakes_ = 0;
    int woken_at_ = 0;

private:
    std::atomic<int>& clock_;
};

struct Wrong {
    int lost = 0;      // neither woken nor removed
    int twice = 0;     // both, or woken twice
    int early = 0;
    int disorder = 0;  // those of one thread did not wake in the order in which it added them

    friend bool operator==(const Wrong&, const Wrong&) = default;
};

// One thread's part: adds, and takes some out again, oldest, newest and in between.
class Adder {
public:
    Adder(std::atomic<int>& clock, FutureState& future, std::uint32_t seed)
        : clock_(clock), future_(future), random_(seed) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            if (random_() % 4 == 0) {
                Stayer& stayer = *stayers_.emplace_back(std::make_unique<Stayer>(clock_));
                if (future_.add_waiter(stayer) == Add::already_done) stayers_.pop_back();
            } else if (random_() % 2 == 0 || here_.empty()) {
                auto racer = std::make_unique<Racer>(clock_, future_);
                if (future_.add_waiter(*racer) == Add::added) here_.push_back(std::move(racer));
            } else {
                const std::size_t which = random_() % 3 == 0 ? here_.size() - 1 : random_() % here_.size();
                const auto it = here_.begin() + static_cast<std::ptrdiff_t>(which);
                if (future_.remove_waiter(**it)) {
                    wrong_.twice += (*it)->wakes_ != 0;
                    here_.erase(it);  // freed: nobody may look at it any more
                }
            }
        }
    }

    // After all threads.
    Wrong judge() {
        int last = -1;
        for (const auto& racer : here_) {
            wrong_.lost += racer->wakes_ == 0;
            wrong_.twice += racer->wakes_ > 1;
            wrong_.early += racer->early_;
            wrong_.disorder += racer->woken_at_ <= last;
            last = racer->woken_at_;
        }
        last = -1;
        for (const auto& stayer : stayers_) {
            wrong_.lost += stayer->wakes_ == 0;
            wrong_.twice += stayer->wakes_ > 1;
            wrong_.disorder += stayer->woken_at_ <= last;
            last = stayer->woken_at_;
        }
        return wrong_;
    }

private:
    std::atomic<int>& clock_;
    FutureState& future_;
    std::minstd_rand random_;
    std::vector<std::unique_ptr<Racer>> here_;
    std::vector<std::unique_ptr<Stayer>> stayers_;
    Wrong wrong_;
};

}  // namespace

TEST_CASE("waiter_removal: racing threads add, remove, complete and cancel: woken once or removed once") {
    constexpr int kThreads = 6;
    constexpr int kSteps = 40;
    int cancelled = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
    for (std::uint32_t seed = 1; std::chrono::steady_clock::now() < end; ++seed) {
        CAPTURE(seed);
        std::atomic<int> clock{0};
        std::atomic<int> winners{0};
        auto* state = new ValueFutureState<int>;
        const FutureRef ref(state);
        std::deque<Adder> adders;
        std::vector<std::function<void()>> functions;
        for (std::uint32_t i = 0; i < kThreads; ++i) {
            Adder& adder = adders.emplace_back(clock, *state, seed * 100 + i);
            functions.emplace_back([&adder] { adder.run(kSteps); });
        }
        functions.emplace_back([&, seed] {
            for (std::uint32_t i = 0; i < seed % 13; ++i) std::this_thread::yield();
            winners.fetch_add(state->try_set_value(1), std::memory_order_relaxed);
        });
        functions.emplace_back([&, seed] {
            for (std::uint32_t i = 0; i < seed % 7; ++i) std::this_thread::yield();
            winners.fetch_add(state->cancel("racing"), std::memory_order_relaxed);
        });
        together(functions);
        Wrong sum;
        for (Adder& adder : adders) {
            const Wrong wrong = adder.judge();
            sum.lost += wrong.lost;
            sum.twice += wrong.twice;
            sum.early += wrong.early;
            sum.disorder += wrong.disorder;
        }
        CHECK(sum == Wrong{});
        CHECK(winners.load() == 1);
        CHECK_FALSE(state->has_waiters());
        cancelled += state->outcome() == Outcome::cancelled;
    }
    CHECK(cancelled > 0);
}

TEST_CASE("waiter_removal: two editors and no completer: everything leaves, the list is empty") {
    for (int round = 0; round < 50; ++round) {
        auto* state = new ValueFutureState<int>;
        const FutureRef ref(state);
        std::atomic<int> failed{0};
        const auto come_and_go = [&] {
            std::vector<Silent> waiters(64);
            for (Silent& waiter : waiters) (void)state->add_waiter(waiter);
            for (std::size_t i = 0; i < waiters.size(); i += 2) failed += !state->remove_waiter(waiters[i]);
            for (std::size_t i = 1; i < waiters.size(); i += 2) failed += !state->remove_waiter(waiters[i]);
        };
        together({come_and_go, come_and_go, come_and_go, come_and_go});
        CHECK(failed.load() == 0);
        CHECK_FALSE(state->has_waiters());
        CHECK_FALSE(state->done());
    }
}
