#include <cstdint>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

// Each side makes the future on which it will be answered before it answers.
struct Table {
    weft::Future<std::uint64_t> ping;
    weft::Future<std::uint64_t> pong;
};

weft::Coro<> ping(Table& table, std::uint64_t rounds, std::uint64_t& number) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
        table.pong = weft::create_future<std::uint64_t>();
        table.ping.set_result(number);
        number = co_await table.pong;
    }
}

weft::Coro<> pong(Table& table, std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const std::uint64_t number = co_await table.ping;
        table.ping = weft::create_future<std::uint64_t>();
        table.pong.set_result(number + 1);
    }
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::uint64_t number = 0;
        Table table{weft::create_future<std::uint64_t>(), {}};
        co_await weft::gather(ping(table, passes.size(), number), pong(table, passes.size()));
        passes.end(number);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
