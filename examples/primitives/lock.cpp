// Lock: one task at a time, whichever loops they run on, in order of arrival. Its guard may be held over an await.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::Coro<> deposit(weft::Lock& lock, int& balance, int amount) {
    const auto held = co_await lock.scoped();
    const int before = balance;
    co_await weft::sleep(1ms);  // nobody else comes in between
    balance = before + amount;
}

weft::Coro<> app() {
    weft::Lock lock("account");  // outlives who waits for it; the name is for reports
    int balance = 0;
    co_await weft::gather(deposit(lock, balance, 10), deposit(lock, balance, 20), deposit(lock, balance, 30));
    std::cout << balance << '\n';

    co_await lock.acquire();
    std::cout << std::boolalpha << lock.try_acquire() << '\n';  // any thread may try
    lock.release();
}

int main() { weft::run(app()); }
// prints:
// 60
// false
