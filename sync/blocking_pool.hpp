// BlockingPool: threads for jobs that block. The default executor of a group of loops.
//
// Invariant: a job waits in the queue only while every thread is busy or promised to an earlier job, or as many threads
// exist as may. So a submit starts a thread if there are more jobs waiting than idle threads (as CPython's
// ThreadPoolExecutor, from which the limit comes, too: min(32, usable cores + 4)).
//
//     thread: started --job--> busy --queue empty--> idle --job--> busy ...
//                                                      '-- keep_alive passed, or stopped with an empty queue --> retired
//
// A thread that was idle for ten seconds retires (tokio's figure): a burst of 32 blocking calls should not keep 32
// stacks for the life of a server, and a thread costs 20 us to make again; a process that stays idle is woken once per
// thread and then never. CPython keeps its threads until exit. A retiring thread leaves its std::thread for the next
// one that retires, or the destructor, to join; so at most one of them is unjoined at any time.
//
// Everything is under one mutex: a job costs tens of microseconds to hand over, whatever guards the queue.
// Rejected: detached threads (one may still run when what it uses is gone), a thread per core (jobs block).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "scheduler/clock.hpp"
#include "sync/executor.hpp"

namespace weft::sync {

class BlockingPool final : public Executor {
public:
    struct Options {
        std::size_t most_threads = default_most_threads();
        Duration keep_alive = std::chrono::seconds(10);
    };

    // Starts no thread.
    BlockingPool() : BlockingPool(Options{}) {}
    explicit BlockingPool(const Options& options);
    // Runs what is queued, then joins all threads. Not on one of them.
    ~BlockingPool() override;

    // Throws std::system_error if there is no thread and none can be made, std::runtime_error after stop().
    void submit(std::function<void()> job) override;

    // Refuses new jobs. What is queued still runs; idle threads end.
    void stop();

    // Gives up on the threads: they run on by themselves, until what is queued is done, while this object goes.
    void abandon();

    [[nodiscard]] std::size_t threads() const;
    // Threads that wait for a job.
    [[nodiscard]] std::size_t idle() const;

    [[nodiscard]] static std::size_t default_most_threads();

private:
    // What the threads work on; theirs together, so that it outlives an abandoned pool.
    struct Shared {
        explicit Shared(const Options& chosen) : options(chosen) {}

        const Options options;
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<std::function<void()>> queue;
        std::list<std::thread> threads;
        std::thread retired;  // ended or about to; to be joined
        std::size_t idle = 0;
        bool stopped = false;
    };

    static void work(const std::shared_ptr<Shared>& shared, std::list<std::thread>::iterator self);
    static void retire(Shared& shared, std::unique_lock<std::mutex>& lock, std::list<std::thread>::iterator self);
    void start_thread();

    const std::shared_ptr<Shared> shared_;
};

}  // namespace weft::sync
