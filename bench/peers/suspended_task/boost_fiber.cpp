// Stacks from malloc: the pool of the other programs would touch one more page of each.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/fixedsize_stack.hpp>
#include <boost/fiber/future/future.hpp>
#include <boost/fiber/future/promise.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;

void measure(bench::Passes& passes) {
    fibers::fixedsize_stack stacks(bench::kStackSize);
    for (bool first = true; passes.again(); first = false) {
        const std::size_t before = bench::resident_bytes();
        std::uint64_t back = 0;
        std::vector<fibers::promise<void>> promises(passes.size());
        std::vector<fibers::fiber> tasks;
        tasks.reserve(passes.size());
        for (fibers::promise<void>& promise : promises) {
            // A fiber that is dispatched runs at once, up to its wait.
            tasks.emplace_back(fibers::launch::dispatch, std::allocator_arg, stacks,
                               [released = promise.get_future()] { released.wait(); });
        }
        if (first) {
            passes.also("bytes",
                        static_cast<double>(bench::resident_bytes() - before) / static_cast<double>(passes.size()));
        }
        for (fibers::promise<void>& promise : promises) promise.set_value();
        for (fibers::fiber& task : tasks) {
            task.join();
            ++back;
        }
        passes.end(back);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto) { measure(passes); });
    return passes.report();
}
