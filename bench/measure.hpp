// measure: the time of one problem on several frameworks, side by side.
//
// The frameworks take turns, A B A B, for a number of rounds, so that a machine that slows down or is disturbed does so
// for all of them; the median of a contender's rounds is its result. Only the computation is timed, from inside the
// runtime that carries it: starting threads is not part of it. A pass that is shorter than kWarmUpBelow is preceded by
// one that is not counted, in the same runtime, because first page faults and cold frame caches would show in it.
// Every pass is checked, the uncounted ones too.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <weft/weft.hpp>

#include "bench/problem.hpp"
#include "bench/row.hpp"

namespace bench {

inline constexpr std::chrono::milliseconds kWarmUpBelow{250};

enum class Framework { sequential, onetbb, weft };

inline std::string_view to_string(Framework framework) {
    switch (framework) {
        case Framework::sequential: return "sequential";
        case Framework::onetbb: return "onetbb";
        case Framework::weft: return "weft";
    }
    return "unknown";
}

// One framework at one number of loops, with the passes it has run so far.
struct Contender {
    Framework framework;
    std::size_t loops;
    std::vector<double> samples{};
    std::uint64_t rss_bytes = 0;
};

class WrongResult : public std::runtime_error {
public:
    WrongResult(const Problem& problem, const Contender& contender)
        : std::runtime_error(std::string(problem.name()) + " on " + std::string(to_string(contender.framework)) +
                             " with " + std::to_string(contender.loops) + " loops: got " +
                             std::to_string(problem.answer()) + ", expected " + std::to_string(problem.expected())) {}
};

inline void check(const Problem& problem, const Contender& contender) {
    if (problem.answer() != problem.expected()) throw WrongResult(problem, contender);
}

// Linux keeps the peak of the resident set, and forgets it when asked; where it does not, the peak is the process's.
inline void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

inline std::uint64_t peak_memory() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::uint64_t kibibytes = 0;
        if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
    }
    return 0;
}

using Clock = std::chrono::steady_clock;

inline Clock::duration plain_pass(Problem& problem, const Contender& contender, void (Problem::*compute)()) {
    Clock::duration took{};
    for (int pass = 0; pass == 0 || (pass == 1 && took < kWarmUpBelow); ++pass) {
        problem.reset();
        const Clock::time_point start = Clock::now();
        (problem.*compute)();
        took = Clock::now() - start;
        check(problem, contender);
    }
    return took;
}

inline weft::Coro<Clock::duration> weft_pass(Problem& problem, const Contender& contender) {
    Clock::duration took{};
    for (int pass = 0; pass == 0 || (pass == 1 && took < kWarmUpBelow); ++pass) {
        problem.reset();
        const Clock::time_point start = Clock::now();
        co_await problem.run_weft();
        took = Clock::now() - start;
        check(problem, contender);
    }
    co_return took;
}

inline Clock::duration run_pass(Problem& problem, const Contender& contender) {
    switch (contender.framework) {
        case Framework::sequential: return plain_pass(problem, contender, &Problem::run_sequential);
        case Framework::onetbb: {
            const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, contender.loops);
            tbb::task_arena arena(static_cast<int>(contender.loops));
            return arena.execute([&] { return plain_pass(problem, contender, &Problem::run_onetbb); });
        }
        case Framework::weft: {
            weft::RunOptions options;
            options.loops = static_cast<decltype(options.loops)>(contender.loops);
            return weft::run(weft_pass(problem, contender), options);
        }
    }
    throw std::invalid_argument("no such framework");
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

inline Row to_row(const Problem& problem, const Contender& contender) {
    Row row;
    row.problem = problem.name();
    row.framework = to_string(contender.framework);
    row.loops = contender.loops;
    row.item = problem.item();
    row.median_ns = median(contender.samples) / problem.items();
    row.min_ns = *std::min_element(contender.samples.begin(), contender.samples.end()) / problem.items();
    row.max_ns = *std::max_element(contender.samples.begin(), contender.samples.end()) / problem.items();
    row.rss_bytes = contender.rss_bytes;
    return row;
}

// Returns a row per contender, in their order. Throws WrongResult at the first wrong pass. `progress` is told before
// each pass, with the round counted from 1.
inline std::vector<Row> measure(Problem& problem, std::vector<Contender> contenders, std::size_t rounds,
                                const std::function<void(const Contender&, std::size_t round)>& progress) {
    for (std::size_t round = 1; round <= rounds; ++round) {
        for (Contender& contender : contenders) {
            progress(contender, round);
            forget_peak_memory();
            const std::chrono::duration<double, std::nano> took = run_pass(problem, contender);
            contender.samples.push_back(took.count());
            contender.rss_bytes = std::max(contender.rss_bytes, peak_memory());
        }
    }
    std::vector<Row> rows;
    for (const Contender& contender : contenders) rows.push_back(to_row(problem, contender));
    compare(rows);
    return rows;
}

}  // namespace bench
