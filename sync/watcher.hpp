// Watcher: what gather, wait, shield, as_completed and TaskGroup put into a future's list to be told of its end.
//
// On a loop by itself the end is told one turn later, by an entry of the ready queue, as asyncio's done callbacks are
// (rule 38); among many loops at once by whoever completed the future, since nothing there promises turns and a hop to
// another loop would cost a wake. So `ended` may run on any thread, and runs no user code.
#pragma once

#include <cstdint>

#include "scheduler/loop.hpp"
#include "scheduler/schedule.hpp"
#include "sync/future_state.hpp"

namespace weft::sync {

// Where a combinator was made, for all of its watchers. A combinator may outlive its loop.
class WatchHome {
public:
    explicit WatchHome(scheduler::Loop& loop)
        : shell_(loop.shell()), generation_(shell_.generation()), alone_(loop.alone()) {}

    [[nodiscard]] bool alone() const noexcept { return alone_; }
    // Whether this thread is in a step of the loop.
    [[nodiscard]] bool is_here() const noexcept {
        const scheduler::Loop* here = scheduler::current_loop();
        return here != nullptr && shell_.serves(*here);
    }
    [[nodiscard]] scheduler::Shell& shell() const noexcept { return shell_; }
    [[nodiscard]] scheduler::Sent queue(scheduler::Runnable& entry) const {
        return scheduler::schedule_on(entry, shell_, generation_);
    }

private:
    scheduler::Shell& shell_;
    const std::uint32_t generation_;
    const bool alone_;
};

class Watcher : public RemovableWaiter {
public:
    void wake() noexcept final {
        const WatchHome& made = home();
        if (!made.alone()) return ended();
        if (made.queue(*this) == scheduler::Sent::closed) abandon();
    }
    void run() noexcept final { ended(); }
    void drop() noexcept final { abandon(); }

protected:
    ~Watcher() = default;

    [[nodiscard]] virtual const WatchHome& home() const noexcept = 0;

    // The future is done. One of this and abandon() comes, once, unless the watcher was removed.
    virtual void ended() noexcept = 0;
};

}  // namespace weft::sync
