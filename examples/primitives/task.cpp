// create_task: coroutines that run concurrently. A Task is a handle: it can be awaited, named, cancelled, copied.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

weft::Coro<std::string> greet(std::string who, weft::Duration after) {
    co_await weft::sleep(after);
    co_return "hello " + who;
}

weft::Coro<> app() {
    const auto slow = weft::create_task(greet("world", 20ms), {.name = "slow"});
    const auto quick = weft::create_task(greet("moon", 10ms));
    std::cout << slow.get_name() << (slow.done() ? " is done\n" : " runs\n");
    std::cout << co_await quick << '\n' << co_await slow << '\n';
}

int main() { weft::run(app(), {.loops = 1}); }
// prints:
// slow runs
// hello moon
// hello world
