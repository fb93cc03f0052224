#include "scheduler/threads.hpp"

#include <pthread.h>
#include <sched.h>

#include <utility>

#include "scheduler/signals_blocked.hpp"
#include "scheduler/usable_cores.hpp"

namespace weft::scheduler {

namespace {

// Pins the calling thread to the i-th core that it may use, round robin. A refusal leaves it where it is.
void pin_to_core(std::size_t i) {
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0) return;
    const auto count = static_cast<std::size_t>(CPU_COUNT(&mask));
    std::size_t wanted = count == 0 ? 0 : i % count;
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
        if (!CPU_ISSET(core, &mask)) continue;
        if (wanted-- != 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        return;
    }
}

std::uint32_t search_rounds(std::size_t loops) {
    return loops <= usable_cores() ? Neighbours::kSearchRounds : Neighbours::kSearchRoundsOversubscribed;
}

}  // namespace

Threads::Threads(const Options& options, const MakeLoop& make_loop, Interrupted interrupted)
    : options_(options), interrupted_(std::move(interrupted)), group_(options.loops, search_rounds(options.loops)) {
    loops_.reserve(options.loops);
    for (std::size_t i = 0; i < options.loops; ++i) {
        loops_.push_back(make_loop(group_));
        if (options.bounds_parks) loops_.back()->bound_parks(std::chrono::seconds(1));
        if (options.debug) loops_.back()->set_debug(true);
    }
}

Threads::~Threads() { stop(); }

void Threads::start(First first) {
    const SignalsBlocked blocked;
    first_started_ = first == First::callers_thread ? 1 : 0;
    for (std::size_t i = first_started_; i < loops_.size(); ++i) {
        loops_[i]->expect_run();
        threads_.emplace_back([this, &loop = *loops_[i]] { run_loop(loop); });
    }
}

void Threads::stop() {
    for (std::size_t i = 0; i < threads_.size(); ++i) loops_[first_started_ + i]->stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void Threads::run_loop(Loop& loop) {
    if (options_.pin_threads) pin_to_core(loop.index());
    interrupted_ ? loop.run_through(interrupted_) : loop.run();
}

}  // namespace weft::scheduler
