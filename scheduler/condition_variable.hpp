// ConditionVariable: the seam's name (see scheduler/atomic.hpp) for what waits under a Mutex; a header of its own because
// few need it and the standard's is long.
#pragma once

#include "scheduler/atomic.hpp"

#ifndef WEFT_SEAM_HEADER

#include <condition_variable>

namespace weft::scheduler {

using ConditionVariable = std::condition_variable;

}  // namespace weft::scheduler

#endif
