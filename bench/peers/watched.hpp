// watched: what the other threads of this process do while the calling one sleeps: see idle/problem.md.
#pragma once

#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "bench/peers/passes.hpp"

namespace bench {

// What the threads but the calling one have done so far.
struct OtherThreads {
    std::uint64_t switches = 0;
    double cpu_ns = 0;

    static OtherThreads now() {
        OtherThreads all;
        const std::string self = std::to_string(gettid());
        for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
            if (thread.path().filename() == self) continue;
            std::ifstream status(thread.path() / "status");
            for (std::string word; status >> word;) {
                if (!word.ends_with("voluntary_ctxt_switches:")) continue;  // nonvoluntary, too
                std::uint64_t count = 0;
                status >> count;
                all.switches += count;
            }
        }
        all.cpu_ns = of_clock(CLOCK_PROCESS_CPUTIME_ID) - of_clock(CLOCK_THREAD_CPUTIME_ID);
        return all;
    }

private:
    static double of_clock(clockid_t id) {
        timespec time{};
        clock_gettime(id, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    }
};

// The only pass. Returns its nanoseconds, for Passes::end_once.
inline double watch(Passes& passes) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto begin = std::chrono::steady_clock::now();
    const OtherThreads before = OtherThreads::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(passes.size()));
    const OtherThreads after = OtherThreads::now();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    passes.also("wakeups", static_cast<double>(after.switches - before.switches) / took.count());
    // The clocks are not read at once, so nothing may come out as a little less.
    passes.also("cpu", std::max(0.0, after.cpu_ns - before.cpu_ns) / 1e9 / took.count());
    return took.count() * 1e9;
}

}  // namespace bench
