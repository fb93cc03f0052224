// Shutdown: what follows the last main task of a group of loops, in the order of rule 201.
#pragma once

#include "sync/coro.hpp"

namespace weft {

class Loop;

namespace detail {

// Cancels every task but the one that awaits this and waits for them, until none is left (departure from rule 203).
// Failures on the way are reported by task name (rule 202).
[[nodiscard]] Coro<> shut_down();

// True if a task of the loop's group is not done. Only while none of its loops runs.
[[nodiscard]] bool tasks_left(const Loop& loop);

}  // namespace detail

}  // namespace weft
