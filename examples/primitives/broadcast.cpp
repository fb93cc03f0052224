// Broadcast: every value for every receiver. Sending never waits; who falls behind is told how many values it missed.
#include <weft/weft.hpp>

#include <iostream>

weft::Coro<int> sum_of(weft::Broadcast<int>::Receiver prices) {
    int sum = 0;
    for (;;) {
        try {
            sum += co_await prices.receive();
        } catch (const weft::BroadcastLagged& lagged) {
            std::cout << "missed " << lagged.missed() << '\n';
        } catch (const weft::BroadcastShutDown&) {
            co_return sum;
        }
    }
}

weft::Coro<> app() {
    weft::Broadcast<int> prices(4, "prices");  // keeps the last four
    const auto a = weft::create_task(sum_of(prices.subscribe()));
    const auto b = weft::create_task(sum_of(prices.subscribe()));
    for (int price = 1; price <= 3; ++price) prices.send(price);
    prices.shutdown();
    std::cout << co_await a << ' ' << co_await b << '\n';

    weft::Broadcast<int> fast(4, "fast");
    auto late = fast.subscribe();
    for (int price = 1; price <= 10; ++price) fast.send(price);
    fast.shutdown();
    std::cout << co_await sum_of(std::move(late)) << '\n';
}

int main() { weft::run(app()); }
// prints:
// 6 6
// missed 6
// 34
