#include "sync/coro.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sync/fork_join.hpp"
#include "sync/gather.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::InvalidStateError;
using weft::sleep;
using weft::test::ended;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

static_assert(!std::is_copy_constructible_v<Coro<int>>);
static_assert(std::is_nothrow_move_constructible_v<Coro<int>>);

namespace {

Coro<int> number(int n) { co_return n; }
Coro<int> throwing(std::string text) {
    throw std::runtime_error(text);
    co_return 0;
}
Coro<int> plus_one(Coro<int> inner) { co_return 1 + co_await std::move(inner); }

constexpr const char* kEmpty =
    "error: Coro was already awaited, given away or moved from: expected one that has not started";

}  // namespace

TEST_CASE("coro: it is lazy, and one that never starts frees its arguments") {
    bool entered = false;
    const auto held = std::make_shared<int>(1);
    auto body = [](std::shared_ptr<int>, bool& flag) -> Coro<> {
        flag = true;
        co_return;
    };
    {
        const Coro<> coro = body(held, entered);
        CHECK(coro);
        CHECK(held.use_count() == 2);
    }
    CHECK(held.use_count() == 1);
    CHECK_FALSE(entered);
}

TEST_CASE("coro: moving it") {
    Coro<int> a = number(1);
    Coro<int> b = std::move(a);
    CHECK_FALSE(a);
    CHECK(b);
    b = number(2);
    VirtualLoop loop;
    CHECK(loop.run_until_complete(std::move(b)) == 2);
    Coro<int>& same = b;
    b = std::move(same);
    CHECK_FALSE(b);
}

TEST_CASE("coro: results come out, references of a kind too, and move-only ones") {
    VirtualLoop loop;
    auto unique = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto pass_on = [&]() -> Coro<std::unique_ptr<int>> { co_return co_await unique(); };
    CHECK(*loop.run_until_complete(pass_on()) == 3);
    auto many = []() -> Coro<int> {
        int sum = 0;
        for (int i = 0; i < 100; ++i) sum += co_await number(i);
        co_return sum;
    };
    CHECK(loop.run_until_complete(many()) == 4950);
}

TEST_CASE("coro: it runs inside the awaiting task, without a turn") {
    VirtualLoop loop;
    auto inner = [&](weft::AnyTask outer) -> Coro<> {
        CHECK(weft::current_task() == outer);
        co_return;
    };
    auto body = [&]() -> Coro<> {
        const int turn = loop.turns();
        co_await inner(weft::current_task());
        CHECK(loop.turns() == turn);
    };
    loop.run_until_complete(body());
}

TEST_CASE("coro: an exception passes through every level and destroys locals on its way") {
    VirtualLoop loop;
    auto held = std::make_shared<int>(0);
    auto level = [](std::shared_ptr<int>, auto& self, int depth) -> Coro<int> {
        const auto local = std::make_shared<int>(depth);
        if (depth == 0) throw std::runtime_error("from the bottom");
        auto copy = local;
        co_return co_await self(std::move(copy), self, depth - 1);
    };
    CHECK(loop.run_until_complete(ended(level(held, level, 20))) == "error: from the bottom");
    CHECK(held.use_count() == 1);
}

TEST_CASE("rule 72: a coroutine awaited twice or moved from is an InvalidStateError, and life goes on") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        Coro<int> coro = number(5);
        const int first = co_await coro;
        CHECK(first == 5);
        CHECK_FALSE(coro);
        std::string second = "nothing";
        try {
            (void)co_await coro;
        } catch (const InvalidStateError& error) {
            second = std::string("error: ") + error.what();
        }
        CHECK(second == kEmpty);

        Coro<int> other = number(6);
        const Coro<int> taken = std::move(other);
        std::string moved = "nothing";
        try {
            (void)co_await other;
        } catch (const InvalidStateError& error) {
            moved = std::string("error: ") + error.what();
        }
        CHECK(moved == kEmpty);
        CHECK(thrown_by([&] { return create_task(std::move(other)); }) == kEmpty);
        CHECK(thrown_by([&] { return weft::gather(std::move(other)); }) == kEmpty);
        CHECK(thrown_by([&] { return weft::fork_join(number(1), std::move(other)); }) == kEmpty);
        std::vector<Coro<int>> some;
        some.push_back(number(1));
        some.push_back(std::move(other));
        some.push_back(number(1));
        CHECK(thrown_by([&] { return weft::fork_join(std::move(some)); }) == kEmpty);

        // The runtime stays usable.
        co_await sleep(0s);
        const int after = co_await create_task(number(7));
        CHECK(after == 7);
        const int nested = co_await plus_one(number(8));
        CHECK(nested == 9);
    };
    loop.run_until_complete(body());
    CHECK(loop.run_until_complete(number(9)) == 9);
}

TEST_CASE("coro: one that failed can be awaited in a try and gives nothing the second time") {
    VirtualLoop loop;
    auto body = []() -> Coro<std::string> {
        Coro<int> coro = throwing("boom");
        std::string words;
        for (int i = 0; i < 2; ++i) {
            try {
                (void)co_await coro;
            } catch (const InvalidStateError&) {
                words += "invalid";
            } catch (const std::exception& error) {
                words += std::string(error.what()) + " ";
            }
        }
        co_return words;
    };
    CHECK(loop.run_until_complete(body()) == "boom invalid");
}
