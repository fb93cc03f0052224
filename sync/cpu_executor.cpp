#include "sync/cpu_executor.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>

// ThreadSanitizer cannot see into the oneTBB that is installed, so what its headers hand to their own library and take
// back on another thread looks like a race. Our own hand-over goes through a mutex, which it does see.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wignored-attributes"  // functions of the standard library that are known already
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)
#endif
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang diagnostic pop
#endif

#include "scheduler/signals_blocked.hpp"
#include "scheduler/usable_cores.hpp"
#include "sync/report.hpp"

namespace weft {

namespace {

// oneTBB has a thread less than there are cores, because its callers compute, too; asked for more it complains.
int workers() {
    const int most = std::max(oneapi::tbb::info::default_concurrency() - 1, 1);
    return std::min(static_cast<int>(scheduler::usable_cores()), most);
}

class CpuExecutor final : public Executor {
public:
    void submit(std::function<void()> job) override {
        // oneTBB makes its threads when there is work for them; they inherit the mask of who brought it. Under the lock,
        // because ThreadSanitizer cannot see how oneTBB hands the memory of its tasks from one submitter to the next.
        const scheduler::SignalsBlocked blocked;
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
        arena_.enqueue([this] { run_one(); });
    }

private:
    // As many calls as jobs, so there is one.
    void run_one() noexcept {
        std::function<void()> job;
        {
            const std::lock_guard lock(mutex_);
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        try {
            job();
        } catch (...) {
            sync::report("Exception in a job of the CPU executor", std::current_exception());
        }
    }

    std::mutex mutex_;
    std::deque<std::function<void()>> jobs_;
    // No place is kept for a thread of ours: none ever enters.
    oneapi::tbb::task_arena arena_{workers(), 0};
};

}  // namespace

Executor* cpu_executor() {
    static CpuExecutor* const executor = new CpuExecutor;  // never destroyed: oneTBB's threads end with the process
    return executor;
}

}  // namespace weft
