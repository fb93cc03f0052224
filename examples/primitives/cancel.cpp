// cancel: a request that arrives as CancelledError where the task waits. Cleanup runs; swallowing it is possible.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::Coro<> worker() {
    try {
        co_await weft::sleep(1h);
    } catch (const weft::CancelledError& e) {
        std::cout << "cancelled: " << e.message() << '\n';
        throw;  // a task that does not let it out has not been cancelled
    }
}

weft::Coro<> app() {
    const auto task = weft::create_task(worker());
    co_await weft::sleep(1ms);
    task.cancel("time to go");
    try {
        co_await task;
    } catch (const weft::CancelledError&) {
        std::cout << std::boolalpha << task.cancelled() << '\n';
    }
}

int main() { weft::run(app(), {.loops = 1}); }  // one loop: no task runs in between
// prints:
// cancelled: time to go
// true
