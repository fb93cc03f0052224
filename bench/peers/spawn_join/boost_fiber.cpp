// A fiber that is dispatched runs at once, and mostly ends before the next one needs a stack: posting them all takes ten
// times as long, and a million stacks.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/fiber/future/async.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;

template <class Stacks>
std::uint64_t spawn_and_join(std::size_t size, Stacks& stacks) {
    std::vector<fibers::future<std::uint64_t>> tasks;
    tasks.reserve(size);
    for (std::uint64_t i = 0; i < size; ++i) {
        tasks.push_back(fibers::async(fibers::launch::dispatch, std::allocator_arg, stacks, [i] { return i; }));
    }
    std::uint64_t sum = 0;
    for (fibers::future<std::uint64_t>& task : tasks) sum += task.get();
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto stacks) {
        while (passes.again()) passes.end(spawn_and_join(passes.size(), stacks));
    });
    return passes.report();
}
