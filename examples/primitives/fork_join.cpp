// fork_join, parallel_for, parallel_reduce: computation on all loops, without a task per piece.
#include <weft/weft.hpp>

#include <cstddef>
#include <iostream>
#include <vector>

weft::Coro<long> fib(int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await weft::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

weft::Coro<> app() {
    std::cout << co_await fib(15) << '\n';
    std::vector<int> squares(1000);
    const auto square = [&squares](std::size_t i) { squares[i] = static_cast<int>(i * i); };
    co_await weft::parallel_for(std::size_t{0}, squares.size(), std::size_t{64}, square);
    std::cout << squares[31] << '\n';
}

int main() { weft::run(app()); }
// prints:
// 610
// 961
