// to_thread: a blocking function on a thread of the pool, so that it blocks no loop. run_in_executor(cpu_executor(), f):
// one that computes, on oneTBB's arena.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <thread>

int blocking(int n) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return n + 1;
}

weft::Coro<> app() {
    std::cout << co_await weft::to_thread(blocking, 1) << '\n';
    weft::Loop& loop = weft::get_running_loop();
    std::cout << co_await loop.run_in_executor(weft::cpu_executor(), [] { return 6 * 7; }) << '\n';
}

int main() { weft::run(app()); }
// prints:
// 2
// 42
