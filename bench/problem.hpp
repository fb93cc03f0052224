// Problem: one computation, written once for every framework it is measured on.
//
// The versions of a problem stand beside each other in one file under bench/problems/, so that a reader can judge
// whether they do the same work. A pass is reset() (not timed), one of the run_ functions (timed), then answer() and
// expected() (not timed): a pass whose answer is wrong has no time.
#pragma once

#include <cstdint>
#include <string_view>

#include <weft/weft.hpp>

namespace bench {

class Problem {
public:
    Problem() = default;
    Problem(const Problem&) = delete;
    Problem& operator=(const Problem&) = delete;
    virtual ~Problem() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;

    // What the nanoseconds of a row are counted per ("call", "leaf"), and how many of them one pass has.
    [[nodiscard]] virtual std::string_view item() const = 0;
    [[nodiscard]] virtual double items() const = 0;

    // Forgets the last pass, so that an answer left over from it cannot be taken for this one's.
    virtual void reset() = 0;

    virtual void run_sequential() = 0;
    virtual void run_onetbb() = 0;          // called inside a task_arena
    virtual weft::Coro<> run_weft() = 0;    // awaited inside weft::run

    [[nodiscard]] virtual std::uint64_t answer() const = 0;
    [[nodiscard]] virtual std::uint64_t expected() const = 0;
};

}  // namespace bench
