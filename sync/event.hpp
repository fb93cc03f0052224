// Event: a flag that tasks wait for, on any loop. Rule 226.
//
// Invariant: set() wakes everybody who waits at that moment; a clear() that follows at once does not take that back.
// An event lives until those that it woke have resumed: a canceller may still be looking at it for one of them.
//
// Orderings
//   E1 set: release store in set, acquire load in is_set    what was done before the flag was set reaches who sees it set
//   the mutex: the same for those that waited
#pragma once

#include <string>
#include <string_view>

#include "scheduler/atomic.hpp"
#include "scheduler/spin_lock.hpp"
#include "sync/notified.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

class Event {
public:
    // `name` is for reports.
    explicit Event(std::string_view name = {}) : lot_("event", mutex_, name) {}

    class Waiting;
    // Returns, when awaited, true. Does not suspend if the flag is set. Cancel: the task leaves.
    // Thread: a task's. Cost: a wait allocates nothing.
    [[nodiscard]] Waiting wait();

    // Thread: any.
    void set();
    void clear();
    [[nodiscard]] bool is_set() const noexcept { return set_.load(std::memory_order_acquire); }  // E1

    // "event 'ready'"
    [[nodiscard]] const std::string& in_words() const noexcept { return lot_.in_words(); }

private:
    scheduler::Atomic<bool> set_{false};
    scheduler::SpinLock mutex_;
    sync::ParkingLot lot_;
};

class Event::Waiting final : public sync::Notified {
public:
    explicit Waiting(Event& event) noexcept : Notified(event.lot_), event_(event) {}
    Waiting(Waiting&&) noexcept = default;

    [[nodiscard]] bool await_ready() const noexcept { return event_.is_set(); }
    bool await_resume() {
        Notified::await_resume();
        return true;
    }

    // For select(), as in_turn.hpp says.
    [[nodiscard]] bool attempt() const noexcept { return event_.is_set(); }
    [[nodiscard]] bool attempt_woken() const noexcept { return true; }  // whatever the flag is now
    [[nodiscard]] Waiting line() const noexcept { return Waiting(event_); }
    [[nodiscard]] bool result() const noexcept { return true; }

private:
    [[nodiscard]] bool there() const noexcept override { return event_.is_set(); }

    Event& event_;
};

inline Event::Waiting Event::wait() { return Waiting(*this); }

}  // namespace weft
