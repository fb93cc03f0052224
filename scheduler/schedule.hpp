// schedule: puts a Runnable where it belongs, from whichever thread.
#pragma once

#include <cstdint>

#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"
#include "scheduler/shell.hpp"

namespace weft::scheduler {

// Queues `runnable` where it belongs: pinned to its home; stealable on the caller's own loop if that is of the same
// group, else in the group's inbox. Thread: any. Returns closed if the home is gone; then nothing was queued.
// `generation` is the Shell's while the home was certainly open: a caller who may be overtaken by the end of the loop
// reads it before.
Sent schedule_away(Runnable& runnable, Shell& home, Affinity affinity, std::uint32_t generation) noexcept;
inline Sent schedule(Runnable& runnable, Shell& home, Affinity affinity, std::uint32_t generation) noexcept {
    Loop* here = current_loop();
    if (here == nullptr || !home.serves(*here)) return schedule_away(runnable, home, affinity, generation);
    if (affinity == Affinity::stealable) {
        here->push(runnable);
    } else {
        here->push_pinned(runnable);
    }
    return Sent::sent;
}
inline Sent schedule(Runnable& runnable, Shell& home, Affinity affinity) noexcept {
    return schedule(runnable, home, affinity, home.generation());
}

// The same for work that belongs to one loop and no later one: `generation` is its Shell's when the work was made.
inline Sent schedule_on(Runnable& runnable, Shell& home, std::uint32_t generation) {
    const Shell::Visit visit(home);
    if (visit.loop() == nullptr || home.generation() != generation) return Sent::closed;
    if (visit.loop() != current_loop()) return visit.loop()->post(runnable);
    visit.loop()->push_pinned(runnable);
    return Sent::sent;
}

}  // namespace weft::scheduler
