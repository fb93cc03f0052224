// Event: a flag that tasks wait for; set() wakes all of them. Any thread may set it.
#include <weft/weft.hpp>

#include <iostream>
#include <thread>

weft::Coro<int> runner(weft::Event& start, int number) {
    co_await start.wait();
    co_return number;
}

weft::Coro<> app() {
    weft::Event start("start");
    const std::jthread starter([&start] { start.set(); });
    const auto [a, b] = co_await weft::gather(runner(start, 1), runner(start, 2));
    std::cout << "started: " << a << ' ' << b << '\n';

    std::cout << std::boolalpha << start.is_set() << '\n';
    start.clear();  // who comes now waits for the next set()
    std::cout << start.is_set() << '\n';
}

int main() { weft::run(app()); }
// prints:
// started: 1 2
// true
// false
