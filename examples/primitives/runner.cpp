// Runner: several runs on the same loops; tasks that are left sleep in between.
#include <weft/weft.hpp>

#include <iostream>

weft::Coro<int> next(int& calls) { co_return ++calls; }

int main() {
    int calls = 0;
    weft::Runner runner({.loops = 1});
    std::cout << runner.run(next(calls)) << '\n';
    std::cout << runner.run(next(calls)) << '\n';
    runner.close();
}
// prints:
// 1
// 2
