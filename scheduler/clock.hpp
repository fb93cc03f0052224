// The one clock's types. Only a Parker reads the time; everything else asks its Loop.
#pragma once

#include <chrono>

namespace weft {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

}  // namespace weft
