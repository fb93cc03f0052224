// The threads that are not in `single` wait at its end, where they run tasks.
#include <cstdint>

#include "bench/peers/passes.hpp"

namespace {

std::uint64_t fib(std::uint64_t n) {
    if (n < 2) return n;
    std::uint64_t a = 0;
#pragma omp task shared(a) firstprivate(n)
    a = fib(n - 1);
    const std::uint64_t b = fib(n - 2);
#pragma omp taskwait
    return a + b;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
#pragma omp parallel num_threads(static_cast<int>(passes.loops()))
#pragma omp single
    while (passes.again()) passes.end(fib(passes.size()));
    return passes.report();
}
