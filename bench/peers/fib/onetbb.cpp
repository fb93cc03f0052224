// Forks one half and calls the other: task_group's cheapest form.
#include <cstdint>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "bench/peers/passes.hpp"

namespace {

std::uint64_t fib(std::uint64_t n) {
    if (n < 2) return n;
    std::uint64_t a = 0;
    tbb::task_group group;
    group.run([&a, n] { a = fib(n - 1); });
    const std::uint64_t b = fib(n - 2);
    group.wait();
    return a + b;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    arena.execute([&] {
        while (passes.again()) passes.end(fib(passes.size()));
    });
    return passes.report();
}
