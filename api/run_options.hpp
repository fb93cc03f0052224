// RunOptions: what run, Runner and Runtime are told: how many loops, on which cores, with how much checking.
#pragma once

#include <concepts>
#include <limits>
#include <utility>

namespace weft {

// 0: one per usable core (affinity mask and cgroup quota).
class LoopCount {
public:
    template <std::integral I>
    constexpr LoopCount(I count)
        : count_(std::cmp_less(count, std::numeric_limits<long>::max()) ? static_cast<long>(count)
                                                                        : std::numeric_limits<long>::max()) {
    }  // NOLINT(google-explicit-constructor)
    [[nodiscard]] constexpr long count() const { return count_; }

private:
    long count_;
};

struct RunOptions {
    LoopCount loops = 0;       // the environment's WEFT_LOOPS takes the place of 0
    bool debug = false;        // WEFT_DEBUG=1 in the environment does the same
    bool pin_threads = false;  // thread i to the i-th usable core
    // No loop sleeps for more than a second, and Loop::rescues counts the lost wake-ups that this makes good. In debug mode
    // and in debug builds always.
    bool bounds_parks = false;
};

namespace detail {

// WEFT_DEBUG=1.
[[nodiscard]] bool debug_of_environment();

// Fills in what the environment says, and counts the cores.
// Throws std::invalid_argument naming the value, of the option or of the environment.
[[nodiscard]] RunOptions with_environment(const RunOptions& options);

// Throws std::runtime_error on a loop's thread: "<what> cannot be called from a running event loop".
void refuse_inside_loop(const char* what);

}  // namespace detail

}  // namespace weft
