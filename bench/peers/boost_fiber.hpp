// What the Boost.Fiber programs of bench/peers/ share: the schedulers of LOOPS threads, and the stacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/context/stack_context.hpp>
#include <boost/fiber/algo/work_stealing.hpp>
#include <boost/fiber/future/future.hpp>
#include <boost/fiber/future/promise.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>

namespace bench {

inline constexpr std::size_t kStackSize = 16 * 1024;

// Boost's pool of stacks for several threads, which it is not made for. Its fixedsize_stack would be malloc, which gives
// the pages of most stacks back to the system, to fault them in again.
class LockedPool {
public:
    boost::context::stack_context allocate() {
        const std::lock_guard lock(mutex_);
        return pool_.allocate();
    }
    void deallocate(boost::context::stack_context& stack) noexcept {
        const std::lock_guard lock(mutex_);
        pool_.deallocate(stack);
    }

private:
    // The last stacks are given back when the threads end.
    static inline std::mutex mutex_;

    boost::fibers::pooled_fixedsize_stack pool_{kStackSize};
};

// Calls main(stacks), where stacks is the allocator for the fibers it starts. With one loop fibers take turns
// (round_robin, the default), with more they are stolen by threads that have none.
template <class Main>
void run(std::size_t loops, Main main) {
    if (loops == 1) return main(boost::fibers::pooled_fixedsize_stack(kStackSize));
    const auto count = static_cast<std::uint32_t>(loops);
    boost::fibers::promise<void> ended;
    const boost::fibers::shared_future<void> end = ended.get_future().share();
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < loops; ++i) {
        threads.emplace_back([end, count] {
            boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(count);
            end.wait();
        });
    }
    boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(count);
    main(LockedPool());
    ended.set_value();
}

}  // namespace bench
