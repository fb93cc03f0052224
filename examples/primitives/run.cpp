// run: a program's main coroutine on event loops; returns its value once no task is left.
#include <weft/weft.hpp>

#include <iostream>

weft::Coro<int> answer() { co_return 42; }

int main() {
    std::cout << weft::run(answer()) << '\n';                   // one loop per core
    std::cout << weft::run(answer(), {.loops = 1}) << '\n';     // one loop: as serial as asyncio
}
// prints:
// 42
// 42
