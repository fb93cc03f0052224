// Future: a value that comes later, from any thread. Awaiting it suspends the task only.
#include <weft/weft.hpp>

#include <iostream>
#include <thread>

weft::Coro<> app() {
    const auto reply = weft::create_future<int>();
    std::jthread worker([reply] { reply.set_result(6 * 7); });
    std::cout << co_await reply << '\n';

    const auto failing = weft::create_future<int>();
    failing.set_exception(std::runtime_error("no luck"));
    try {
        co_await failing;
    } catch (const std::runtime_error& e) {
        std::cout << e.what() << '\n';
    }
    std::cout << std::boolalpha << failing.try_set_result(1) << '\n';  // it is done: the first completer won
}

int main() { weft::run(app()); }
// prints:
// 42
// no luck
// false
