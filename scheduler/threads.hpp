// Threads: N loops on N threads, start and stop. Loop 0 may be run by the caller's thread instead (run_first).
//
// The threads block all signals: those belong to whoever owns the process. stop() may be called from anywhere but a
// loop of these; it returns when every thread has ended at a turn boundary. A loop whose turn an exception leaves
// (Loop::interrupt) tells `Interrupted` and runs on: only stop() ends a thread.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "scheduler/loop.hpp"
#include "scheduler/neighbours.hpp"

namespace weft::scheduler {

class Threads {
public:
    // Makes one loop of the group; in api/ the face, with a Reactor.
    using MakeLoop = std::function<std::unique_ptr<Loop>(Neighbours&)>;

    // Gets what left a loop's run(). Thread: that loop's.
    using Interrupted = Loop::Interrupted;

#ifdef NDEBUG
    static constexpr bool kDebugBuild = false;
#else
    static constexpr bool kDebugBuild = true;
#endif

    struct Options {
        std::size_t loops = 1;
        bool pin_threads = false;  // thread i to the i-th core of the affinity mask
        bool debug = false;  // the loops' debug mode
        bool bounds_parks = kDebugBuild;  // and counts those that found lost work (Loop::rescues)
    };

    // Without `interrupted` an exception that leaves a loop on one of these threads ends the program.
    Threads(const Options& options, const MakeLoop& make_loop, Interrupted interrupted = {});
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    // Stops.
    ~Threads();

    enum class First : std::uint8_t { own_thread, callers_thread };

    // Starts the loops' threads; with callers_thread loop 0 waits for somebody to call its run().
    void start(First first);

    // Stops and joins. Loops may be started again.
    void stop();

    [[nodiscard]] std::size_t size() const { return loops_.size(); }
    [[nodiscard]] Loop& loop(std::size_t i) const { return *loops_.at(i); }
    [[nodiscard]] Neighbours& group() { return group_; }

private:
    void run_loop(Loop& loop);

    const Options options_;
    const Interrupted interrupted_;
    Neighbours group_;
    std::vector<std::unique_ptr<Loop>> loops_;
    std::vector<std::thread> threads_;
    std::size_t first_started_ = 0;  // the loop of threads_[0]
};

}  // namespace weft::scheduler
