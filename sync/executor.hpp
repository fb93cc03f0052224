// Executor: where plain functions run that a loop must not run itself, because they block or compute for long.
#pragma once

#include <functional>

namespace weft {

class Executor {
public:
    Executor() = default;
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    virtual ~Executor() = default;

    // Calls `job` once, on a thread that is no loop's, or drops it: a job of run_in_executor that was dropped without
    // having run fails its future. Must not call it inside submit. Jobs of the library throw nothing.
    // Throws what keeps it from accepting; then the job is not called.
    // Thread: any, several at a time.
    virtual void submit(std::function<void()> job) = 0;
};

}  // namespace weft
