// task_group: tasks that end with the block. One failure cancels the rest; all failures come out together.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>

using namespace std::chrono_literals;

weft::Coro<int> part(int n) {
    co_await weft::sleep(1ms);
    co_return n;
}
weft::Coro<> fails() {
    co_await weft::sleep(1ms);
    throw std::runtime_error("disk full");
}
weft::Coro<> endless() { co_await weft::sleep(1h); }

weft::Coro<> app() {
    const auto sum = [](weft::TaskGroup& group) -> weft::Coro<int> {
        const auto a = group.create_task(part(1));
        const auto b = group.create_task(part(2));
        co_return co_await a + co_await b;
    };
    std::cout << co_await weft::task_group(sum) << '\n';

    const auto broken = [](weft::TaskGroup& group) -> weft::Coro<> {
        group.create_task(endless());
        group.create_task(fails());
        co_return;
    };
    try {
        co_await weft::task_group(broken);
    } catch (const weft::ExceptionGroup& errors) {
        std::cout << errors.what() << '\n';
    }
}

int main() { weft::run(app()); }
// prints:
// 3
// unhandled errors in a TaskGroup (1 sub-exception)
//   - std::runtime_error: disk full
