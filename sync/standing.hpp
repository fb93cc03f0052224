// Standing: where a task stands at one moment. What can be known of it depends on who asks:
//   - a task that waits: everything, from any thread;
//   - a task that is queued, on the loop that it is bound to (its own by pinning, or the only one): the awaits;
//   - a task that runs, or is queued where another loop may begin it any moment, or has not begun, or is done: nothing.
#pragma once

#include <source_location>
#include <string>
#include <vector>

namespace weft::sync {

struct Standing {
    // The awaits of its coroutines, outermost first.
    std::vector<std::source_location> sites;
    // What it waits for, in words; empty if it does not wait.
    std::string awaits;
    // What it waits for is ended by I/O or by a thread that runs no loop.
    bool from_outside = false;
};

}  // namespace weft::sync
