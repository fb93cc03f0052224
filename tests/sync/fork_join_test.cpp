// What fork_join promises its user. What becomes of its branches is in branch_test.
#include "sync/fork_join.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sync/errors.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::fork_join;
using weft::InvalidStateError;
using weft::sleep;
using weft::test::ended;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

Coro<int> number(int n) { co_return n; }
Coro<> nothing() { co_return; }
Coro<int> number_after(int n, weft::Duration duration) {
    co_await sleep(duration);
    co_return n;
}
Coro<int> fails_after(const char* text, weft::Duration duration) {
    if (duration > 0s) co_await sleep(duration);
    throw std::runtime_error(text);
}
Coro<std::uint64_t> fib(unsigned n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

// A value that can only be moved, and not made from nothing.
class Ticket {
public:
    explicit Ticket(int n) : n_(std::make_unique<int>(n)) {}
    [[nodiscard]] int get() const { return *n_; }

private:
    std::unique_ptr<int> n_;
};
Coro<Ticket> ticket(int n, bool suspends) {
    if (suspends) co_await sleep(1s);
    co_return Ticket(n);
}

}  // namespace

TEST_CASE("fork_join: results in argument order, monostate for void") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        const auto [a, b] = co_await fork_join(number(1), number(2));
        CHECK(a + 10 * b == 21);
        const auto [one, unit, text] =
            co_await fork_join(number(1), nothing(), []() -> Coro<std::string> { co_return "three"; }());
        CHECK(one == 1);
        CHECK(unit == std::monostate{});
        CHECK(text == "three");
        const auto [single] = co_await fork_join(number(7));
        CHECK(single == 7);
        const auto [t, u] = co_await fork_join(ticket(3, false), ticket(4, false));
        CHECK(t.get() * u.get() == 12);
        CHECK(loop.turns() == turn);  // nothing suspended
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: ranges: empty, one, a thousand, void, move-only, suspending") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const std::vector<int> none = co_await fork_join(std::vector<Coro<int>>());
        CHECK(none.empty());
        co_await fork_join(std::vector<Coro<>>());
        for (const bool suspends : {false, true}) {
            for (const int count : {1, 2, 63, 64, 65, 1000}) {
                std::vector<Coro<Ticket>> coros;
                for (int i = 0; i < count; ++i) coros.push_back(ticket(i, suspends && i % 3 == 0));
                const std::vector<Ticket> tickets = co_await fork_join(std::move(coros));
                CHECK(tickets.size() == static_cast<std::size_t>(count));
                int wrong = 0;
                for (int i = 0; i < count; ++i) wrong += tickets[static_cast<std::size_t>(i)].get() != i;
                CHECK(wrong == 0);
            }
        }
        auto number = [](int i) -> Coro<int> { co_return i; };  // a result that is copied in one piece
        auto odd = [](int i) -> Coro<bool> { co_return i % 2 != 0; };
        std::vector<Coro<int>> numbers;
        std::vector<Coro<bool>> odds;
        for (int i = 0; i < 3; ++i) {
            numbers.push_back(number(i));
            odds.push_back(odd(i));
        }
        const std::vector<int> same = co_await fork_join(std::move(numbers));
        const std::vector<bool> odd_ones = co_await fork_join(std::move(odds));
        CHECK(same == std::vector<int>{0, 1, 2});
        CHECK(odd_ones == std::vector<bool>{false, true, false});
        int ran = 0;
        auto counts = [&]() -> Coro<> {
            ++ran;
            co_return;
        };
        std::vector<Coro<>> voids;
        for (int i = 0; i < 1000; ++i) voids.push_back(counts());
        co_await fork_join(std::move(voids));
        CHECK(ran == 1000);
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: nothing starts before it is awaited, and one that is dropped frees its branches") {
    VirtualLoop loop;
    auto held = std::make_shared<int>(1);
    bool started = false;
    auto branch = [&](std::shared_ptr<int>) -> Coro<> {
        started = true;
        co_return;
    };
    {
        const auto joined = fork_join(branch(held), branch(held));
        CHECK(held.use_count() == 3);
    }
    CHECK(held.use_count() == 1);
    std::vector<Coro<>> coros;
    for (int i = 0; i < 3; ++i) coros.push_back(branch(held));
    (void)coros[1].give_away()->handle().destroy();
    CHECK_THROWS_AS((void)fork_join(std::move(coros)), InvalidStateError);  // the second of them is empty
    coros.clear();
    CHECK(held.use_count() == 1);
    CHECK_FALSE(started);
}

TEST_CASE("fork_join: all are waited for, then the first exception in argument order is thrown") {
    VirtualLoop loop;
    int finished = 0;
    auto finishes = [&](weft::Duration duration) -> Coro<int> {
        co_await sleep(duration);
        ++finished;
        co_return 0;
    };
    auto body = [&]() -> Coro<> {
        std::string what;
        try {
            (void)co_await fork_join(finishes(3s), fails_after("second", 2s), fails_after("third", 0s), finishes(4s));
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "second");
        CHECK(finished == 2);
        CHECK(loop.now().time_since_epoch() == 4s);

        what.clear();
        try {
            (void)co_await fork_join(fails_after("a", 0s), fails_after("b", 0s));
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "a");

        std::vector<Coro<int>> coros;
        for (int i = 0; i < 100; ++i)
            coros.push_back(i == 42 || i == 77 ? fails_after(i == 42 ? "42" : "77", (100 - i) * 1s) : finishes(0s));
        what.clear();
        try {
            (void)co_await fork_join(std::move(coros));
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "42");
        CHECK(finished == 100);
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: deep recursion on one loop takes no turn") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<std::uint64_t> {
        const int turn = loop.turns();
        const std::uint64_t value = co_await fib(18);
        CHECK(loop.turns() == turn);
        co_return value;
    };
    CHECK(loop.run_until_complete(body()) == 2584);
}

TEST_CASE("fork_join: branches that suspend overlap, and resume in their own time") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const auto [a, b, c] = co_await fork_join(number_after(1, 3s), number_after(2, 1s), number_after(3, 2s));
        CHECK(a + 10 * b + 100 * c == 321);
        CHECK(loop.now().time_since_epoch() == 3s);
        const auto future = create_future<int>();
        auto sets = [&]() -> Coro<> {
            future.set_result(5);
            co_return;
        };
        auto waits = [&]() -> Coro<int> { co_return co_await future; };
        const auto [value, unit] = co_await fork_join(waits(), sets());
        CHECK(value == 5);
    };
    loop.run_until_complete(body());
}

TEST_CASE("fork_join: nested forks whose leaves suspend") {
    VirtualLoop loop;
    auto tree = [](auto& self, unsigned depth, int seed) -> Coro<int> {
        if (depth == 0) {
            switch (seed % 4) {
                case 0: co_await sleep((seed % 7) * 1ms); break;
                case 1: co_await sleep(0s); break;
                case 2: co_await create_task(nothing()); break;
                default: break;
            }
            co_return 1;
        }
        const auto [a, b] =
            co_await fork_join(self(self, depth - 1, seed * 3 + 1), self(self, depth - 1, seed * 5 + 2));
        co_return a + b;
    };
    for (int seed = 0; seed < 20; ++seed) {
        CAPTURE(seed);
        CHECK(loop.run_until_complete(tree(tree, 7, seed)) == 128);
    }
    CHECK(loop.loop().armed_timers() == 0);
}
