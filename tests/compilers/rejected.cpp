// Wrong programs, one per CASE, and what the first error line must contain. Run by rejected_test.py, which compiles each
// with the preset's compiler. CASE 0 is right.
#include <chrono>
#include <vector>

#include "api/weft.hpp"

using namespace weft;
using namespace std::chrono_literals;

Coro<int> number() { co_return 1; }

// Right in both kinds of build.
Coro<int> profiled_if_possible() {
#if WEFT_PROFILE
    const auto [value, found] = co_await profile(number());
    co_return value + static_cast<int>(found.forks);
#else
    co_return co_await number();
#endif
}

void wrong() {
    [[maybe_unused]] auto coro = number();
    [[maybe_unused]] std::vector<Coro<int>> coros;
#if CASE == 1  // expect: a named Coro must be given away: write std::move(coro)
    (void)create_task(coro);
#elif CASE == 2  // expect: a named Coro must be given away: write std::move(coro)
    (void)gather(number(), coro);
#elif CASE == 3  // expect: a named Coro must be given away: write std::move(coro)
    (void)wait_for(coro, 1s);
#elif CASE == 4  // expect: a named Coro must be given away: write std::move(coro)
    (void)shield(coro);
#elif CASE == 5  // expect: a named Coro must be given away: write std::move(coro)
    (void)timeout(1s, coro);
#elif CASE == 6  // expect: a named Coro must be given away: write std::move(coro)
    (void)run_coroutine_threadsafe(coro, get_running_loop());
#elif CASE == 7  // expect: a named vector of Coros must be given away: write std::move(coros)
    (void)as_completed(coros);
#elif CASE == 8  // expect: a named vector of Coros must be given away: write std::move(coros)
    (void)gather(coros);
#elif CASE == 9  // expect: wait takes handles: make tasks of the Coros first
    (void)wait(std::move(coros));
#elif CASE == 10  // expect: no matching function for call to 'wait
    (void)wait(create_future<int>());
#elif CASE == 11  // expect: no matching function for call to 'task_group
    (void)task_group(number());
#elif CASE == 12  // expect: no matching function for call to 'create_task
    (void)create_task(5);
#elif CASE == 13  // expect: call_soon
    get_running_loop().call_soon(5);
#elif CASE == 14  // expect: set_result
    create_future<int>().set_result();
#elif CASE == 15  // expect: set_result
    create_task(number()).set_result(1);
#elif CASE == 16  // expect: call_later
    get_running_loop().call_later(1, [] {});
#elif CASE == 17  // expect: ExceptionHandler
    get_running_loop().set_exception_handler(5);
#elif CASE == 18  // expect: configure weft with -DWEFT_PROFILE=ON
    (void)profile(number());
#endif
}
