// Only what a fiber waits for can have a time limit: a second fiber notifies the first, and yields, again and again.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>

#include "bench/peers/boost_fiber.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace fibers = boost::fibers;

template <class Stacks>
std::uint64_t wait_often(std::uint64_t times, Stacks& stacks) {
    fibers::mutex mutex;
    fibers::condition_variable next_turn;
    std::atomic<bool> ended{false};
    fibers::fiber notifier(std::allocator_arg, stacks, [&next_turn, &ended] {
        while (!ended.load(std::memory_order_relaxed)) {
            next_turn.notify_one();
            boost::this_fiber::yield();
        }
    });
    std::uint64_t in_time = 0;
    std::unique_lock lock(mutex);
    for (std::uint64_t i = 0; i < times; ++i) {
        if (next_turn.wait_for(lock, std::chrono::hours(1)) == fibers::cv_status::no_timeout) ++in_time;
    }
    ended.store(true, std::memory_order_relaxed);
    lock.unlock();
    notifier.join();
    return in_time;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), [&passes](auto stacks) {
        while (passes.again()) passes.end(wait_often(passes.size(), stacks));
    });
    return passes.report();
}
