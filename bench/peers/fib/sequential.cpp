#include <cstdint>

#include "bench/peers/passes.hpp"

namespace {

[[gnu::noinline]] std::uint64_t fib(std::uint64_t n) {
    if (n < 2) return n;
    return fib(n - 1) + fib(n - 2);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    while (passes.again()) passes.end(fib(passes.size()));
    return passes.report();
}
