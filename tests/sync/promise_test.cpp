#include "sync/promise.hpp"

#include <doctest/doctest.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sync/coro.hpp"
#include "sync/future.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using weft::Coro;
using weft::create_future;
using weft::sync::PromiseBase;
using weft::test::ended;
using weft::test::Reports;
using weft::test::VirtualLoop;

namespace {

// Gives a coroutine its own handle, as the compiler sees it and as PromiseBase computes it.
struct LookAtHandle {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        PromiseBase& base = self.promise();
        same_ = base.handle().address() == self.address();
        first_ = static_cast<void*>(&base) == static_cast<void*>(&self.promise());
        return false;
    }
    [[nodiscard]] bool await_resume() const noexcept { return same_ && first_; }

    bool same_ = false;
    bool first_ = false;
};

template <class T>
Coro<T> look(bool& good, T value) {
    const bool seen = co_await LookAtHandle{};
    good = seen;
    co_return value;
}

Coro<> look(bool& good) {
    const bool seen = co_await LookAtHandle{};
    good = seen;
}

template <class T>
bool handle_is_right(VirtualLoop& loop, T value) {
    bool good = false;
    (void)loop.run_until_complete(look<T>(good, value));
    return good;
}

struct Large {
    std::array<std::uint64_t, 40> words{};
};

struct Logged {
    Logged(std::vector<int>& log, int number) : log_(log), number_(number) {}
    Logged(const Logged&) = delete;
    Logged& operator=(const Logged&) = delete;
    ~Logged() { log_.push_back(number_); }
    std::vector<int>& log_;
    int number_;
};

struct Unmovable {
    explicit Unmovable(int number) : number_(number) {}
    Unmovable(Unmovable&&) { throw std::runtime_error("the move failed"); }
    int number_;
};

}  // namespace

TEST_CASE("promise: its handle is the coroutine's, whatever the result's size and alignment") {
    VirtualLoop loop;
    CHECK(handle_is_right<char>(loop, 'a'));
    CHECK(handle_is_right<double>(loop, 1.0));
    CHECK(handle_is_right<long double>(loop, 1.0L));
    CHECK(handle_is_right<std::string>(loop, "text"));
    CHECK(handle_is_right<Large>(loop, Large{}));
    bool good = false;
    loop.run_until_complete(look(good));
    CHECK(good);
}

TEST_CASE("promise: a suspended chain is destroyed from the innermost coroutine outwards") {
    const Reports reports;
    std::vector<int> log;
    const auto never = create_future();
    auto level = [&](auto& self, int depth) -> Coro<> {
        const Logged local(log, depth);
        if (depth == 0) {
            co_await never;
        } else {
            co_await self(self, depth - 1);
        }
    };
    {
        VirtualLoop loop;
        const auto task = loop.create(level(level, 3));
        loop.turn();
        CHECK(log.empty());
    }
    CHECK(log == std::vector<int>{0, 1, 2, 3});
    CHECK(reports.count("Task was destroyed but it is pending!") == 1);
}

TEST_CASE("promise: a result whose move throws is the task's failure") {
    VirtualLoop loop;
    auto body = []() -> Coro<Unmovable> { co_return 5; };
    const auto task = loop.create([](auto made) -> Coro<Unmovable> { return made(); }(body));
    loop.turn();
    CHECK(task.done());
    CHECK(loop.run_until_complete(ended(weft::AnyFuture(weft::Future<Unmovable>(task)))) == "error: the move failed");
}
