// wait: until the first of several tasks is done, the first fails, or all are; it cancels and raises nothing.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;

weft::Coro<int> after(weft::Duration delay, int value) {
    co_await weft::sleep(delay);
    co_return value;
}

weft::Coro<> app() {
    const std::vector tasks{weft::create_task(after(1ms, 1)), weft::create_task(after(1h, 2))};
    const auto first = co_await weft::wait(tasks, {.return_when = weft::FIRST_COMPLETED});
    std::cout << first.done.at(0).result() << " is done, " << first.pending.size() << " is not\n";
    const auto later = co_await weft::wait(first.pending, {.timeout = 5ms});
    std::cout << "after the timeout " << later.pending.size() << " still runs\n";
    later.pending.at(0).cancel();
}

int main() { weft::run(app()); }
// prints:
// 1 is done, 1 is not
// after the timeout 1 still runs
