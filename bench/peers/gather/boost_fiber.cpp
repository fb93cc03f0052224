#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/fiber/future/async.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;

constexpr std::size_t kChildren = 1000;

template <class Stacks>
std::vector<std::uint64_t> gather(Stacks& stacks) {
    std::vector<fibers::future<std::uint64_t>> children;
    children.reserve(kChildren);
    for (std::uint64_t i = 0; i < kChildren; ++i) {
        children.push_back(fibers::async(fibers::launch::dispatch, std::allocator_arg, stacks, [i] { return i; }));
    }
    std::vector<std::uint64_t> results;
    results.reserve(kChildren);
    for (fibers::future<std::uint64_t>& child : children) results.push_back(child.get());
    return results;
}

template <class Stacks>
std::uint64_t run_rounds(std::size_t rounds, Stacks& stacks) {
    std::uint64_t sum = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const std::uint64_t result : gather(stacks)) sum += result;
    }
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto stacks) {
        while (passes.again()) passes.end(run_rounds(passes.size(), stacks));
    });
    return passes.report();
}
