#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<std::uint64_t> skynet(std::uint64_t first, std::uint64_t leaves);

template <std::size_t... kChild>
auto fork_children(std::uint64_t first, std::uint64_t share, std::index_sequence<kChild...>) {
    return weft::fork_join(skynet(first + kChild * share, share)...);
}

weft::Coro<std::uint64_t> skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) co_return first;
    const auto parts = co_await fork_children(first, leaves / 10, std::make_index_sequence<10>());
    co_return std::apply([](auto... part) { return (part + ...); }, parts);
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        const std::uint64_t answer = co_await skynet(0, passes.size());
        passes.end(answer);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
