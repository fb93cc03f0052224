// shield: waits for something without passing a cancellation on to it.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::Coro<> save(weft::Future<> disk_is_ready) {
    co_await disk_is_ready;
    std::cout << "saved\n";
}

weft::Coro<> app() {
    const auto disk_is_ready = weft::create_future();
    const auto saving = weft::create_task(save(disk_is_ready));
    try {
        co_await weft::wait_for(weft::shield(saving), 1ms);
    } catch (const weft::TimeoutError&) {
        std::cout << "not waiting any longer\n";
    }
    disk_is_ready.set_result();
    co_await saving;  // it went on
}

int main() { weft::run(app()); }
// prints:
// not waiting any longer
// saved
