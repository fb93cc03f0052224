#include "scheduler/schedule.hpp"

namespace weft::scheduler {

// From another loop, or from a thread that is none.
Sent schedule_away(Runnable& runnable, Shell& home, Affinity affinity, std::uint32_t generation) noexcept {
    Loop* here = current_loop();
    if (here != nullptr && &here->group() == home.group()) {
        if (here->closed()) return Sent::closed;  // all of the group are about to be
        if (affinity == Affinity::pinned) return home.loop().post(runnable);
        here->push(runnable);
        return Sent::sent;
    }
    const Shell::Visit visit(home);
    if (visit.loop() == nullptr || home.generation() != generation) return Sent::closed;
    return affinity == Affinity::stealable ? visit.loop()->inject(runnable) : visit.loop()->post(runnable);
}

}  // namespace weft::scheduler
