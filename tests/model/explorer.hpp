// Explorer: runs a model again and again, each time with other answers to the questions "who goes on?" and "which
// message does this load read?", and says whether any execution fails.
//
//     const Report report = explore({.preemptions = 3}, [] {
//         Atomic<int> flag{0};                       // the body makes the state: fresh for each execution
//         Cell<int> data{0};
//         together({[&] { data.set(1); flag.store(1, std::memory_order_release); },
//                   [&] { if (flag.load(std::memory_order_acquire) == 1) require(data.get() == 1, "published"); }});
//         require(flag.load() == 1, "all threads have ended");
//     });
//     CHECK_MESSAGE(report.passed(), report.text());
//
// A failure is a `require` that does not hold, a data race, a deadlock, a use of a dead atomic, memory that is not freed, or
// too many steps. The
// model must be deterministic: no clock, no randomness but `choose`, no state that lives longer than the body.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/execution.hpp"
#include "tests/model/limits.hpp"

namespace weft::model {

struct Report {
    std::uint64_t executions = 0;
    std::uint64_t at_random = 0;  // of them: the first few, before the search
    std::uint64_t redundant = 0;  // of them: cut short, because another one has the same partial order
    bool complete = false;  // every execution within the limits was seen
    std::string failure;  // empty: none
    std::string trace;  // of the failing execution
    std::string replay;  // for replay()
    double seconds = 0;

    [[nodiscard]] bool passed() const { return failure.empty(); }
    [[nodiscard]] std::string text() const;
};

using Body = std::function<void()>;

// As many random executions as the points need to be known, mostly; one that fails is as good as a searched one.
inline constexpr std::uint64_t kRandomFirst = 300;

// All executions within the limits, or up to the first failure.
Report explore(Limits limits, const Body& body);

struct Random {
    std::uint64_t seed = 1;
    std::uint64_t executions = 10'000;
    std::uint32_t depth = 3;  // of the defects looked for: how many ordered moments they need
};
// So many random executions (PCT), for models too large to search. The limit of preemptions does not count.
Report explore_random(const Random& random, Limits limits, const Body& body);

// The one execution that a report's `replay` line names.
Report replay(std::string_view line, const Body& body, Sites* sites = nullptr);

// --- what a model calls ---

// Thread: the body.
inline void together(const std::vector<std::function<void()>>& functions) { Execution::current().together(functions); }

// The first `settled` threads have come to wait, one after the other, before the race begins.
inline void together_once_settled(std::size_t settled, const std::vector<std::function<void()>>& functions) {
    Execution::current().together(functions, settled);
}

inline void require(bool holds, const char* what, const Where& where = Where::current()) {
    if (!holds) [[unlikely]]
        Execution::current().fail(what, ": does not hold", &where);
}

// Returns a number below `count`: every one is tried.
inline std::uint32_t choose(std::uint32_t count) { return Execution::current().choose(count); }

}  // namespace weft::model
