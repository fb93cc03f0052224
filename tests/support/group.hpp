// Group: N loops on N real threads, with plain Parkers. Parks are bounded, so a lost wake-up is a rescue, not a hang.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "scheduler/condvar_parker.hpp"
#include "scheduler/threads.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/task_list.hpp"
#include "sync/task_state.hpp"

namespace weft::test {

class Group {
public:
    explicit Group(std::size_t loops) : threads_({.loops = loops, .pin_threads = false, .debug = true}, &make_loop) {
        threads_.start(scheduler::Threads::First::own_thread);
    }

    [[nodiscard]] std::size_t size() const { return threads_.size(); }
    [[nodiscard]] scheduler::Loop& loop(std::size_t i) const { return threads_.loop(i); }

    // Runs it on the first loop, from a plain thread, until it has ended; TimeoutError if something is stuck.
    template <class A>
    auto run(A&& awaitable, std::chrono::seconds limit) const {
        const auto future = run_coroutine_threadsafe(std::forward<A>(awaitable), loop(0));
        return future.result(limit);
    }
    template <class A>
    auto run(A&& awaitable) const {
        return run(std::forward<A>(awaitable), std::chrono::seconds(60));
    }
    // The same on another loop.
    template <class A>
    auto run(A&& awaitable, std::size_t i) const {
        return run_coroutine_threadsafe(std::forward<A>(awaitable), loop(i)).result(std::chrono::seconds(60));
    }

    void stop() { threads_.stop(); }

    [[nodiscard]] std::uint64_t rescues() const {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < size(); ++i) sum += loop(i).rescues();
        return sum;
    }

    // A loop's task list must be there before another loop creates tasks on it.
    static std::unique_ptr<scheduler::Loop> make_loop(scheduler::Neighbours& neighbours) {
        auto loop = std::make_unique<scheduler::Loop>(std::make_unique<scheduler::CondvarParker>(), neighbours);
        (void)scheduler::LoopLocal<sync::TaskList>::of(*loop);
        return loop;
    }

private:
    scheduler::Threads threads_;
};

}  // namespace weft::test
