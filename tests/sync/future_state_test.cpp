#include "sync/future_state.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sync/future.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"

using weft::CancelledError;
using weft::sync::FutureRef;
using weft::sync::FutureState;
using weft::sync::Outcome;
using weft::sync::ValueFutureState;
using weft::sync::Waiter;
using weft::test::Reports;
using weft::test::together;

namespace {

using Add = FutureState::Add;
using Claim = FutureState::Claim;
using Log = std::vector<int>;

// Writes its number when it is woken, minus its number when it is abandoned.
class Numbered final : public Waiter {
public:
    Numbered(Log& log, int number) : log_(log), number_(number) {}
    void wake() noexcept override { log_.push_back(number_); }
    void abandon() noexcept override { log_.push_back(-number_); }
    void run() noexcept override {}
    void drop() noexcept override {}

private:
    Log& log_;
    const int number_;
};

// Counts its wakes and looks at the outcome from the completer's thread.
class CountingWaiter final : public Waiter {
public:
    explicit CountingWaiter(FutureState& future) : future_(future) {}
    void wake() noexcept override {
        if (!future_.done()) early_.fetch_add(1, std::memory_order_relaxed);
        wakes_.fetch_add(1, std::memory_order_relaxed);
    }
    void abandon() noexcept override {}
    void run() noexcept override {}
    void drop() noexcept override {}

    FutureState& future_;
    std::atomic<int> wakes_{0};
    std::atomic<int> early_{0};
};

std::exception_ptr failure(const char* text) { return std::make_exception_ptr(std::runtime_error(text)); }

}  // namespace

TEST_CASE("future_state: pending, claimed, done") {
    auto* state = new ValueFutureState<int>;
    const FutureRef ref(state);
    CHECK_FALSE(state->done());
    CHECK(state->claim() == Claim::won);
    CHECK(state->claim() == Claim::lost);
    CHECK_FALSE(state->done());
    CHECK_FALSE(state->cancel("too late"));  // being completed
    CHECK_FALSE(state->try_set_value(1));
    state->finish(Outcome::cancelled);
    CHECK(state->done());
    CHECK(state->outcome() == Outcome::cancelled);
    CHECK(state->claim() == Claim::lost);
    CHECK_THROWS_AS(state->check(), CancelledError);
}

TEST_CASE("future_state: waiters are woken once, in their order; a late one is told that it is done") {
    Log log;
    std::deque<Numbered> waiters;
    for (int i = 1; i <= 5; ++i) waiters.emplace_back(log, i);
    auto* state = new ValueFutureState<int>;
    const FutureRef ref(state);
    CHECK(state->add_waiter(waiters[0]) == Add::added);
    CHECK(state->add_waiter(waiters[1]) == Add::added);
    CHECK(state->claim() == Claim::won);
    CHECK(state->add_waiter(waiters[2]) == Add::added);  // claimed, not yet finished
    CHECK(log.empty());
    state->finish(Outcome::value);
    CHECK(log == Log{1, 2, 3});
    CHECK(state->add_waiter(waiters[3]) == Add::already_done);
    CHECK(log == Log{1, 2, 3});
}

TEST_CASE("future_state: destroyed pending, it abandons its waiters") {
    Log log;
    std::deque<Numbered> waiters;
    for (int i = 1; i <= 2; ++i) waiters.emplace_back(log, i);
    {
        auto* state = new ValueFutureState<void>;
        const FutureRef ref(state);
        CHECK(state->add_waiter(waiters[0]) == Add::added);
        CHECK(state->add_waiter(waiters[1]) == Add::added);
    }
    CHECK(log.size() == 2);
    CHECK(log[0] + log[1] == -3);
}

TEST_CASE("future_state: a failure is kept as it is, a cancellation makes its CancelledError") {
    auto* state = new ValueFutureState<int>;
    const FutureRef ref(state);
    SUBCASE("failure") {
        const auto boom = failure("boom");
        CHECK(state->try_set_exception(boom));
        CHECK_FALSE(state->try_set_exception(failure("later")));
        CHECK(state->failure() == boom);
        CHECK_THROWS_AS(state->check(), std::runtime_error);
    }
    SUBCASE("cancelled without words") {
        CHECK(state->cancel({}));
        CHECK(state->failure() != nullptr);
    }
    SUBCASE("cancelled with words") {
        CHECK(state->cancel("why"));
        std::string message;
        try {
            state->check();
        } catch (const CancelledError& error) {
            message = error.message();
        }
        CHECK(message == "why");
    }
    SUBCASE("value") {
        CHECK(state->try_set_value(4));
        CHECK(state->failure() == nullptr);
        CHECK(*static_cast<int*>(state->value()) == 4);
        CHECK_NOTHROW(state->check());
    }
}

TEST_CASE("future_state: owners, and one taker") {
    auto* state = new ValueFutureState<int>;
    FutureRef ref(state);
    CHECK(state->sole_owner());
    {
        const FutureRef other = ref;
        CHECK_FALSE(state->sole_owner());
    }
    CHECK(state->sole_owner());
    CHECK(state->take_once());
    CHECK_FALSE(state->take_once());
}

TEST_CASE("future_state: an unseen failure is reported when the last owner leaves") {
    const Reports reports;
    {
        auto* state = new ValueFutureState<int>;
        const FutureRef ref(state);
        CHECK(state->try_set_exception(failure("boom")));
        const FutureRef other = ref;
        CHECK(reports.all().empty());
    }
    CHECK(reports.count("never retrieved") == 1);
}

// Completers and cancellers race for one future while others begin to wait: one outcome, and every waiter is either
// told that it is done or woken exactly once.
TEST_CASE("future_state: racing threads agree on one outcome and wake every waiter once") {
    constexpr int kRounds = 2000;
    constexpr std::size_t kWaitersEach = 3;
    int wrong_winners = 0;
    int wrong_wakes = 0;
    int wrong_outcomes = 0;
    std::vector<FutureRef> futures;
    std::vector<std::atomic<int>> winners(kRounds);
    std::vector<std::atomic<int>> winner_kind(kRounds);
    std::deque<CountingWaiter> waiters;
    std::vector<std::atomic<int>> told(kRounds * 2 * kWaitersEach);
    for (int i = 0; i < kRounds; ++i) {
        auto* state = new ValueFutureState<int>;
        futures.emplace_back(state);
        for (std::size_t w = 0; w < 2 * kWaitersEach; ++w) waiters.emplace_back(*state);
    }
    const auto won = [&](std::size_t i, int kind) {
        winners[i].fetch_add(1, std::memory_order_relaxed);
        winner_kind[i].store(kind, std::memory_order_relaxed);
    };
    const auto state_of = [&](std::size_t i) -> ValueFutureState<int>& {
        return static_cast<ValueFutureState<int>&>(futures[i].get());
    };
    const auto wait_from = [&](std::size_t from) {
        for (std::size_t i = 0; i < kRounds; ++i) {
            for (std::size_t w = from; w < from + kWaitersEach; ++w) {
                const std::size_t index = i * 2 * kWaitersEach + w;
                if (state_of(i).add_waiter(waiters[index]) == Add::already_done) {
                    told[index].store(1, std::memory_order_relaxed);
                    if (state_of(i).outcome() == Outcome::none) told[index].store(100, std::memory_order_relaxed);
                }
            }
        }
    };
    together({
        [&] {
            for (std::size_t i = 0; i < kRounds; ++i) {
                if (state_of(i).try_set_value(static_cast<int>(i))) won(i, 1);
            }
        },
        [&] {
            for (std::size_t i = 0; i < kRounds; ++i) {
                if (state_of(i).cancel("racing")) won(i, 2);
            }
        },
        [&] {
            const auto boom = failure("racing");
            for (std::size_t i = 0; i < kRounds; ++i) {
                if (state_of(i).try_set_exception(boom)) won(i, 3);
            }
        },
        [&] { wait_from(0); },
        [&] { wait_from(kWaitersEach); },
    });
    for (std::size_t i = 0; i < kRounds; ++i) {
        wrong_winners += winners[i].load() != 1;
        FutureState& state = state_of(i);
        const int kind = winner_kind[i].load();
        wrong_outcomes += kind == 1 && (state.outcome() != Outcome::value ||
                                        *static_cast<int*>(state.value()) != static_cast<int>(i));
        wrong_outcomes += kind == 2 && state.outcome() != Outcome::cancelled;
        wrong_outcomes += kind == 3 && state.outcome() != Outcome::exception;
        state.mark_retrieved();
        for (std::size_t w = 0; w < 2 * kWaitersEach; ++w) {
            const std::size_t index = i * 2 * kWaitersEach + w;
            wrong_wakes += waiters[index].wakes_.load() + told[index].load() != 1;
            wrong_wakes += waiters[index].early_.load();
        }
    }
    CHECK(wrong_winners == 0);
    CHECK(wrong_outcomes == 0);
    CHECK(wrong_wakes == 0);
}
