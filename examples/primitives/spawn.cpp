// spawn: a task made of a callable and its arguments, which it owns: the safe way to start a lambda with captures.
#include <weft/weft.hpp>

#include <iostream>
#include <memory>

weft::Coro<> app() {
    const auto counter = std::make_shared<int>(40);
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): spawn keeps the lambda with the task
    const auto add = [counter](int n) -> weft::Coro<int> {
        co_await weft::sleep(weft::Duration(0));  // the captures live on: the task holds them
        co_return * counter += n;
    };
    const auto task = weft::spawn({.name = "adder"}, add, 2);
    std::cout << task.get_name() << ' ' << co_await task << '\n';
}

int main() { weft::run(app()); }
// prints:
// adder 42
