#include <cstdint>
#include <memory>

#include <boost/fiber/future/async.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;
template <class Stacks>
std::uint64_t spawn_and_await(std::uint64_t size, Stacks& stacks) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < size; ++i) {
        sum += fibers::async(fibers::launch::dispatch, std::allocator_arg, stacks, [i] { return i; }).get();
    }
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto stacks) {
        while (passes.again()) passes.end(spawn_and_await(passes.size(), stacks));
    });
    return passes.report();
}
