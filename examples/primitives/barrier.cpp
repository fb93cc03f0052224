// Barrier: so many tasks wait for each other, round after round; each is told as which one it arrived.
#include <weft/weft.hpp>

#include <array>
#include <cstddef>
#include <iostream>

weft::Coro<> player(weft::Barrier& round_end, std::array<int, 3>& parts, std::size_t me) {
    for (int round = 1; round <= 2; ++round) {
        parts[me] = round * static_cast<int>(me + 1);
        const std::size_t arrival = co_await round_end.wait();
        // What the others wrote before they came is there, whichever loops they ran on.
        if (arrival == 0) std::cout << "round " << round << ": " << parts[0] + parts[1] + parts[2] << '\n';
        co_await round_end.wait();  // nobody writes while it is read
    }
}

weft::Coro<> app() {
    weft::Barrier round_end(3, "round");
    std::array<int, 3> parts{};
    co_await weft::gather(player(round_end, parts, 0), player(round_end, parts, 1), player(round_end, parts, 2));

    co_await round_end.abort();  // until reset()
    try {
        co_await round_end.wait();
    } catch (const weft::BrokenBarrierError& e) {
        std::cout << e.what() << '\n';
    }
}

int main() { weft::run(app()); }
// prints:
// round 1: 6
// round 2: 12
// Barrier aborted
