// DefaultExecutor: where a group of loops runs the jobs that name no executor: a BlockingPool made with the first of
// them, or the Executor that the program chose.
//
// One for all loops of a group (a GroupLocal), not one per loop: the limit on threads is the machine's, any task may run
// on any loop, and what one task sets must hold for the next. Rejected: a slot of loop 0 (only its own thread may make
// slots), a registry of the process keyed by group (the same with a second lifetime to keep right).
//
// Invariant: JobCount counts the jobs that were accepted and whose callables are not yet destroyed; shutting down waits
// for it to be zero, so that it holds for a chosen Executor, too, which this class does not own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "scheduler/clock.hpp"
#include "scheduler/group_local.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/neighbours.hpp"
#include "sync/blocking_pool.hpp"
#include "sync/coro.hpp"
#include "sync/executor.hpp"
#include "sync/future.hpp"

namespace weft::sync {

// Completes a future with true, in a turn of the loop that waits for it: behind the outcomes sent there before.
class NoneLeft final : public scheduler::Runnable {
public:
    NoneLeft(Future<bool> future, scheduler::Loop& loop)
        : future_(std::move(future)), home_(loop.shell()), generation_(home_.generation()) {}

    void run() noexcept override;
    void drop() noexcept override { delete this; }
    void send() noexcept;

private:
    const Future<bool> future_;
    scheduler::Shell& home_;
    const std::uint32_t generation_;
};

// Outlives the group if a job of a chosen Executor does.
class JobCount {
public:
    void begin();
    void end() noexcept;

    // Returns a future that gives true once the count is zero. Thread: a loop's.
    [[nodiscard]] Future<bool> none_left();

private:
    std::mutex mutex_;
    std::size_t jobs_ = 0;
    std::vector<std::unique_ptr<NoneLeft>> waiting_;
};

// Thread: any that keeps the group alive.
class DefaultExecutor {
public:
    explicit DefaultExecutor(scheduler::Neighbours&) {}
    DefaultExecutor(const DefaultExecutor&) = delete;
    DefaultExecutor& operator=(const DefaultExecutor&) = delete;
    // Joins the pool: everything that was accepted has run then.
    ~DefaultExecutor() = default;

    [[nodiscard]] static DefaultExecutor& of(scheduler::Loop& loop) {
        return scheduler::GroupLocal<DefaultExecutor>::of(loop.group());
    }

    struct Accepted {
        Executor& executor;
        std::shared_ptr<JobCount> count;  // begun
    };

    // Accounts for a job, which the caller now submits. Throws std::runtime_error after refuse().
    [[nodiscard]] Accepted accept();

    // Throws std::invalid_argument for null.
    void choose(Executor* executor);

    // No job is accepted any more.
    void refuse();

    [[nodiscard]] Future<bool> none_left() { return count_->none_left(); }

    // End the pool's threads: by waiting for them, or leaving those that still run a job to themselves.
    void join();
    void abandon();

private:
    std::mutex mutex_;
    Executor* chosen_ = nullptr;
    std::unique_ptr<BlockingPool> pool_;
    const std::shared_ptr<JobCount> count_ = std::make_shared<JobCount>();
    bool refusing_ = false;
};

// Refuses new jobs and waits for those that were accepted, no longer than `timeout` from the call; then it reports
// and leaves them to themselves. `loop`: of the group.
[[nodiscard]] Coro<> shutdown_default_executor(scheduler::Loop& loop, std::optional<Duration> timeout);

}  // namespace weft::sync
