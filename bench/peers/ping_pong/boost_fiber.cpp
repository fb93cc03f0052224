#include <cstdint>
#include <memory>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;

using Channel = fibers::unbuffered_channel<std::uint64_t>;

template <class Stacks>
std::uint64_t play(std::uint64_t rounds, Stacks& stacks) {
    Channel ping;
    Channel pong;
    std::uint64_t number = 0;
    fibers::fiber asking(std::allocator_arg, stacks, [&ping, &pong, &number, rounds] {
        for (std::uint64_t i = 0; i < rounds; ++i) {
            ping.push(number);
            number = pong.value_pop();
        }
    });
    fibers::fiber answering(std::allocator_arg, stacks, [&ping, &pong, rounds] {
        for (std::uint64_t i = 0; i < rounds; ++i) pong.push(ping.value_pop() + 1);
    });
    asking.join();
    answering.join();
    return number;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto stacks) {
        while (passes.again()) passes.end(play(passes.size(), stacks));
    });
    return passes.report();
}
