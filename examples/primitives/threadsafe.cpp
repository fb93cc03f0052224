// run_coroutine_threadsafe: the bridge from plain threads to a loop; the thread can block on the result.
#include <weft/weft.hpp>

#include <iostream>

weft::Coro<int> twice(int n) { co_return 2 * n; }

int main() {
    const weft::Runtime runtime({.loops = 2});  // loops on threads of their own
    const auto future = weft::run_coroutine_threadsafe(twice(21), runtime.loop(1));
    std::cout << future.result() << '\n';
}
// prints:
// 42
