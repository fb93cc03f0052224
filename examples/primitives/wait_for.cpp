// wait_for: at most a time for one awaitable, which is cancelled when it is over.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::Coro<int> slow() {
    co_await weft::sleep(1h);
    co_return 1;
}
weft::Coro<int> quick() { co_return 2; }

weft::Coro<> app() {
    std::cout << co_await weft::wait_for(quick(), 1s) << '\n';
    try {
        co_await weft::wait_for(slow(), 2ms);
    } catch (const weft::TimeoutError&) {
        std::cout << "timed out\n";
    }
}

int main() { weft::run(app()); }
// prints:
// 2
// timed out
