// gather: several awaitables at once, their results in argument order.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

weft::Coro<int> square(int n) {
    co_await weft::sleep(std::chrono::milliseconds(10 - n));
    if (n == 7) throw std::domain_error("seven");
    co_return n* n;
}

weft::Coro<> app() {
    const auto [four, nine] = co_await weft::gather(square(2), square(3));
    std::cout << four << ' ' << nine << '\n';

    std::vector<weft::Coro<int>> many;
    for (int n = 6; n < 9; ++n) many.push_back(square(n));
    const auto outcomes = co_await weft::gather(weft::return_exceptions, std::move(many));
    for (const auto& outcome : outcomes) {
        if (outcome.has_value()) {
            std::cout << outcome.value() << '\n';
        } else {
            std::cout << "failed\n";
        }
    }
}

int main() { weft::run(app()); }
// prints:
// 4 9
// 36
// failed
// 64
