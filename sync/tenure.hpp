// Tenure: in debug mode, a task's hold of a lock. Tells if the task ends with it, if a guard gives it back in another task,
// and if somebody waits for a lock whose holder has ended. Only told: asyncio lets any task release a lock.
//
// Invariant: it is in its task's list of waiters from begin() until end() or until the task ends, whichever comes first.
// end() waits for a report that is being made, so that the lock is there for it. Whoever of the two comes last destroys it.
//
//     live --the task ends--> telling --> told --end()--> destroyed
//       '--end(), the task is done but has not got here--> ended --the task gets here--> destroyed
//
// Orderings
//   V1 stage: release CAS from live, acquire if it fails; release store of told,    who destroys it is behind the other; the
//      acquire load in end                                                          report is made before the lock goes
#pragma once

#include <cstdint>

#include "scheduler/atomic.hpp"
#include "sync/future.hpp"
#include "sync/parking_lot.hpp"

namespace weft::sync {

class Tenure final : private RemovableWaiter {
public:
    // Returns null outside of tasks, for a task that acquires only, and if memory is short. The lot is the lock's.
    [[nodiscard]] static Tenure* begin(ParkingLot& lot) noexcept;
    // The lock is released, or gone. `this` is destroyed.
    void end() noexcept;

    [[nodiscard]] const FutureRef& holder() const noexcept { return holder_; }

private:
    enum class Stage : std::uint8_t { live, telling, told, ended };

    Tenure(ParkingLot& lot, TaskState& holder);
    ~Tenure() = default;

    void run() noexcept override {}
    void drop() noexcept override {}
    void wake() noexcept override;
    void abandon() noexcept override;
    // False if end() was first.
    [[nodiscard]] bool leave_live(Stage next) noexcept;
    void tell() noexcept;

    ParkingLot& lot_;
    FutureRef holder_;
    scheduler::Atomic<Stage> stage_{Stage::live};
};

// Each tells nothing if all is well. `holder` is empty if nobody is known.
// A guard of the lock ends.
void check_guard(const ParkingLot& lot, const FutureRef& holder) noexcept;
// The running task is about to wait for the lock.
void check_wait(const ParkingLot& lot, const FutureRef& holder) noexcept;

}  // namespace weft::sync
