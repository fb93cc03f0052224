// Limits: how far the explorer goes. Those that decide which questions are asked are part of a replay line.
#pragma once

#include <cstdint>
#include <limits>

namespace weft::model {

enum class Reads : std::uint8_t {
    any_allowed,  // what C++20's memory model allows
    newest,  // interleavings only, to show what they miss
};

class Sites;
class Points;
class Visited;

inline constexpr std::uint32_t kUnbounded = std::numeric_limits<std::uint32_t>::max();

struct Limits {
    std::uint32_t preemptions = 3;  // of threads that could go on
    std::uint32_t spurious_failures = 0;  // of weak compare-exchanges that could succeed
    std::uint32_t steps = 5'000;  // of one execution; more is a failure (a livelock?)
    std::uint64_t executions = 10'000'000;  // then the search ends and says that it is not complete
    Reads reads = Reads::any_allowed;
    bool reduction = true;  // executions of the same partial order are cut short, all but one
    Points* points = nullptr;  // the only steps before which threads are switched, and learns others; null: all
    Visited* visited = nullptr;  // what is left out because it is known; null: nothing
    std::uint32_t known_from = 0;  // without `visited`: from this choice of a thread on nothing is asked; 0: never
    bool spell_out = false;  // the trail also says where the points did not ask, so that it needs none to be replayed
    Sites* sites = nullptr;  // watches, and may spoil, what the source spells
};

}  // namespace weft::model
