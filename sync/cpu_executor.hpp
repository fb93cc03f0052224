// cpu_executor: an Executor for functions that compute: a oneTBB arena with as many threads as oneTBB makes, one
// less than there are cores, shared with whatever else in the process uses it.
//
// The default pool is for functions that block: it has more threads than cores, and twenty computations on it would
// fight for them. Here they queue. Work that may be split belongs on fork_join, which runs on the loops themselves.
// oneTBB is seen by the .cpp only.
#pragma once

#include "sync/executor.hpp"

namespace weft {

// Returns the same one each time; it lives as long as the process. Its threads take no signals.
// Whoever uses it waits for the futures: run() does not.
[[nodiscard]] Executor* cpu_executor();

}  // namespace weft
