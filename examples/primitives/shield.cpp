// shield: waits for something without passing a cancellation on to it.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::Coro<> save() {
    co_await weft::sleep(5ms);
    std::cout << "saved\n";
}

weft::Coro<> app() {
    const auto saving = weft::create_task(save());
    try {
        co_await weft::wait_for(weft::shield(saving), 1ms);
    } catch (const weft::TimeoutError&) {
        std::cout << "not waiting any longer\n";
    }
    co_await saving;  // it went on
}

int main() { weft::run(app()); }
// prints:
// not waiting any longer
// saved
