// Stall: nothing moves in a whole group. In debug mode a loop that has slept for as long as parks are bounded looks for one.
#pragma once

namespace weft::scheduler {

class Loop;

// Told once, when every loop of the group sleeps without a timer and nothing is under way. Set once by sync/.
using ReportStall = void (*)(const Loop& loop) noexcept;
extern ReportStall report_stall;

// Thread: that of `loop`, which has nothing to do.
void look_for_stall(const Loop& loop);

}  // namespace weft::scheduler
