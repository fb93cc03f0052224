// as_completed: outcomes in the order in which they come, or the tasks themselves.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;

weft::Coro<int> after(int milliseconds) {
    co_await weft::sleep(std::chrono::milliseconds(milliseconds));
    co_return milliseconds;
}

weft::Coro<> app() {
    std::vector<weft::Coro<int>> coros;
    for (const int delay : {400, 1, 200}) coros.push_back(after(delay));
    for (auto next : weft::as_completed(std::move(coros))) std::cout << co_await next << '\n';

    const std::vector tasks{weft::create_task(after(300), {.name = "b"}), weft::create_task(after(2), {.name = "a"})};
    auto ended = weft::as_completed(tasks);
    while (const auto task = co_await ended.next()) std::cout << task->get_name() << ' ' << task->result() << '\n';
}

int main() { weft::run(app(), {.loops = 1}); }
// prints:
// 1
// 200
// 400
// a 2
// b 300
