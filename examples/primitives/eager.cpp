// eager_start: the first step runs inside create_task; a body that never waits costs no turn.
#include <weft/weft.hpp>

#include <iostream>

weft::Coro<int> cached() { co_return 1; }

weft::Coro<> app() {
    const auto lazy = weft::create_task(cached());
    const auto eager = weft::create_task(cached(), {.eager_start = true});
    std::cout << std::boolalpha << lazy.done() << ' ' << eager.done() << '\n';
    std::cout << co_await lazy + co_await eager << '\n';
}

int main() { weft::run(app(), {.loops = 1}); }
// prints:
// false true
// 2
