// Stall: nothing is ready, no timer is armed, nothing comes from outside, and tasks wait: which, and for what? A loop on
// virtual time throws it as a Deadlock; in debug mode real loops log it once, and go on.
#pragma once

#include <string>

#include "scheduler/loop.hpp"

namespace weft::sync {

class TaskState;

// Returns "; N tasks wait:" and lines about each task of the loop's group that is not done; "" if there is none.
[[nodiscard]] std::string describe_waiting_tasks(const scheduler::Loop& loop);

// Logs them, unless one of them waits for I/O or another thread.
void report_stall(const scheduler::Loop& loop) noexcept;

// Returns indented lines about one task: what it is, what it waits for and where; of a failed one, where its exception
// came through.
[[nodiscard]] std::string describe_task(TaskState& task);

}  // namespace weft::sync
