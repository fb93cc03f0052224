// async_generator: a coroutine that yields values and may wait in between.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::async_generator<int> countdown(int from) {
    for (; from != 0; --from) {
        co_await weft::sleep(1ms);
        co_yield from;
    }
}

weft::Coro<> app() {
    auto numbers = countdown(3);
    while (const auto n = co_await numbers.next()) std::cout << *n << '\n';

    auto endless = countdown(-1);
    std::cout << (co_await endless.next()).value() << '\n';
    co_await endless.aclose();  // its cleanup runs now
}

int main() { weft::run(app()); }
// prints:
// 3
// 2
// 1
// -1
