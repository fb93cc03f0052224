// timeout: a time limit for a block of code; the block may look at it and move it.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::Coro<> app() {
    const auto patient = [](weft::Timeout& limit) -> weft::Coro<int> {
        limit.reschedule(std::nullopt);  // no limit from here on
        co_await weft::sleep(3ms);
        co_return 1;
    };
    std::cout << co_await weft::timeout(1ms, patient) << '\n';

    weft::Timeout scope{1ms};
    const auto endless = []() -> weft::Coro<> { co_await weft::sleep(1h); };
    try {
        co_await scope.run(endless);
    } catch (const weft::TimeoutError&) {
        std::cout << std::boolalpha << scope.expired() << '\n';
    }
}

int main() { weft::run(app()); }
// prints:
// 1
// true
