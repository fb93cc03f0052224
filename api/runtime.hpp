// Runtime: loops that run in threads of their own, for a program whose main thread belongs to somebody else.
//
// SystemExit and KeyboardInterrupt have no run() of a loop to leave here: Runtime::run throws its own main's, others are
// reported, and the loops run on.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "api/loop.hpp"
#include "api/run_options.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/task.hpp"

namespace weft {

namespace scheduler {
class Threads;
}

class Runtime {
public:
    // Starts the loops. Throws std::invalid_argument for impossible options.
    explicit Runtime(RunOptions options = {});
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    // Stops.
    ~Runtime();

    [[nodiscard]] std::size_t loops() const;
    // Throws std::out_of_range.
    [[nodiscard]] Loop& loop(std::size_t i) const;

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
