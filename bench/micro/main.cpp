// weft_micro [--alone] [--benchmark_...]: what the single nouns cost, one file each, in the tree's own order.
//
// In a process of one thread the words of futures and tasks are changed without locked instructions (LoneAtomic), and
// what once had a second thread never is such a process again. So there are two runs: as a program with several loops,
// where a thread sleeps from the beginning; and `--alone`, without it and without the measurements that need a Rival.
// Exit codes: 0 all measured, 1 one did not do its work (see expect.hpp), 2 a senseless command line.
#include <benchmark/benchmark.h>

#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "bench/micro/expect.hpp"
#include "bench/micro/rival.hpp"

namespace {

// Takes `flag` out of the arguments.
bool take(const char* flag, int& argc, char** argv) {
    int kept = 0;
    for (int i = 0; i < argc; ++i) {
        if (std::strcmp(argv[i], flag) != 0) argv[kept++] = argv[i];
    }
    return std::exchange(argc, kept) != kept;
}

}  // namespace

int main(int argc, char** argv) {
    using weft::micro::alone;
    alone = take("--alone", argc, argv);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    std::jthread company;
    if (!alone) {
        company = std::jthread([](const std::stop_token& stop) {
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable_any().wait(lock, stop, [] { return false; });
        });
    }
    const std::string filter = benchmark::GetBenchmarkFilter();
    const bool all = filter.empty() || filter == "all";
    benchmark::AddCustomContext("threads", alone ? "one: no locked instructions" : "several");
    const std::size_t run = benchmark::RunSpecifiedBenchmarks(nullptr, nullptr, all && alone ? "-rival" : filter);
    if (run == 0) return 2;
    return weft::micro::failed ? 1 : 0;
}
