#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sync/semaphore.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::Coro;
using weft::create_task;
using weft::Semaphore;
using weft::Task;
using weft::test::VirtualLoop;

TEST_CASE("rules 232, 233: one release wakes one, although more permits are free; the rest is for those on their way") {
    VirtualLoop loop;
    Semaphore semaphore(0);
    std::vector<std::string> seen;
    auto takes = [&](const char* name) -> Coro<> {
        co_await semaphore.acquire();
        seen.emplace_back(name);
    };
    auto body = [&]() -> Coro<> {
        const Task<> a = create_task(takes("a"));
        co_await weft::sleep(0s);
        const Task<> b = create_task(takes("b"));
        const Task<> c = create_task(takes("c"));
        loop.call_soon([&] {
            semaphore.release();  // with a on its way and two permits free
            loop.call_soon([&] { seen.emplace_back("-"); });
        });
        for (int i = 0; i < 3; ++i) semaphore.release();
        co_await a;
        co_await b;
        co_await c;
    };
    loop.run_until_complete(body());
    CHECK(seen == std::vector<std::string>{"a", "b", "-", "c"});
    CHECK_FALSE(semaphore.locked());
}
