#include <cstdint>
#include <memory>

#include <boost/fiber/fiber.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;
template <class Stacks>
std::uint64_t fib(std::uint64_t n, Stacks& stacks) {
    if (n < 2) return n;
    std::uint64_t a = 0;
    fibers::fiber child(fibers::launch::dispatch, std::allocator_arg, stacks,
                        [&a, n, &stacks] { a = fib(n - 1, stacks); });
    const std::uint64_t b = fib(n - 2, stacks);
    child.join();
    return a + b;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto stacks) {
        while (passes.again()) passes.end(fib(passes.size(), stacks));
    });
    return passes.report();
}
