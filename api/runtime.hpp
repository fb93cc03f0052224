// run: a program's main task on N loops, and all that follows it. Runtime: loops that run in threads of their own, for
// a program whose main thread belongs to somebody else.
#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include "api/loop.hpp"
#include "scheduler/threads.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/task.hpp"

namespace weft {

// 0: one per usable core (affinity mask and cgroup quota).
class LoopCount {
public:
    template <std::integral I>
    constexpr LoopCount(I count)
        : count_(std::cmp_less(count, std::numeric_limits<long>::max()) ? static_cast<long>(count)
                                                                        : std::numeric_limits<long>::max()) {
    }  // NOLINT(google-explicit-constructor)
    [[nodiscard]] constexpr long count() const { return count_; }

private:
    long count_;
};

struct RunOptions {
    LoopCount loops = 0;       // the environment's WEFT_LOOPS takes the place of 0
    bool debug = false;        // WEFT_DEBUG=1 in the environment does the same
    bool pin_threads = false;  // thread i to the i-th usable core
};

namespace detail {

// Throws std::invalid_argument naming the value, of the option or of the environment.
[[nodiscard]] scheduler::Threads::Options thread_options(const RunOptions& options);

// The loops of one run(): loop 0 on the caller's thread.
class MainLoops {
public:
    // Throws std::runtime_error inside a running loop.
    explicit MainLoops(const RunOptions& options);
    MainLoops(const MainLoops&) = delete;
    MainLoops& operator=(const MainLoops&) = delete;
    // Cancels what is left and waits for it, until no task is left; then stops and closes.
    ~MainLoops();

    [[nodiscard]] Loop& first() { return static_cast<Loop&>(threads_.loop(0)); }

private:
    scheduler::Threads threads_;
};

// Starts `awaitable` on a loop that is not running on this thread, stealable.
template <class A>
auto start_main(A&& awaitable, Loop& home) {
    using T = AwaitResult<A>;
    Coro<T> body = sync::to_coro(std::forward<A>(awaitable));
    auto* state = new sync::CoroTaskState<T>(*body.give_away(), home, scheduler::Affinity::stealable);
    Task<T> task{sync::FutureRef(state)};
    state->start();
    return task;
}

}  // namespace detail

// Runs `main` as a task on new loops and returns its value. Then, also if it failed: cancels all remaining tasks, waits
// until none is left, stops the loops.
// Throws what main failed with; CancelledError if it ended cancelled; std::runtime_error inside a running loop;
// std::invalid_argument for impossible options.
template <class A>
    requires Awaitable<A>
AwaitResult<A> run(A&& main, RunOptions options = {}) {
    detail::MainLoops loops(options);
    return loops.first().run_until_complete(detail::start_main(std::forward<A>(main), loops.first()));
}

class Runtime {
public:
    // Starts the loops. Throws std::invalid_argument for impossible options.
    explicit Runtime(RunOptions options = {});
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    // Stops.
    ~Runtime();

    [[nodiscard]] std::size_t loops() const { return threads_->size(); }
    // Throws std::out_of_range.
    [[nodiscard]] Loop& loop(std::size_t i) const { return static_cast<Loop&>(threads_->loop(i)); }

    // Runs `main` as a task that any loop may take and blocks until it is done.
    // Throws as run(); std::runtime_error on a loop's thread, or after stop().
    template <class A>
        requires Awaitable<A>
    AwaitResult<A> run(A&& main) {
        using T = AwaitResult<A>;
        const auto start = [&] {
            // What starts before stop() is swept by it; nothing starts after.
            const std::lock_guard starting(stopping_);
            check_callable();
            return sync::start_threadsafe(std::forward<A>(main), loop(0), scheduler::Affinity::stealable);
        };
        const ConcurrentFuture<T> outcome = start();
        outcome.result();
        return sync::read_value<T>(outcome.state(), true);
    }

    // Cancels all tasks, waits until none is left, ends the threads. Idempotent. Not on a loop's thread.
    void stop();

private:
    void check_callable() const;

    std::unique_ptr<scheduler::Threads> threads_;
    std::mutex stopping_;
    bool stopped_ = false;  // under stopping_
};

}  // namespace weft
