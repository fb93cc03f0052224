#include <cstdint>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<std::uint64_t> fib(std::uint64_t n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await weft::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        const std::uint64_t answer = co_await fib(passes.size());
        passes.end(answer);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
