// Event: a flag that tasks wait for, on any loop. Rule 226.
//
// Invariant: set() wakes everybody who waits at that moment; a clear() that follows at once does not take that back.
// An event lives until those that it woke have resumed: a canceller may still be looking at it for one of them.
//
// Orderings
//   E1 set: release store in set, acquire load in is_set    what was done before the flag was set reaches who sees it set
//   the mutex: the same for those that waited
#pragma once

#include <coroutine>
#include <string>
#include <string_view>

#include "scheduler/atomic.hpp"
#include "scheduler/spin_lock.hpp"
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

class Event::Waiting : public sync::Parked {
public:
    explicit Waiting(Event& event) noexcept : Parked(event.lot_), event_(event) {}
    Waiting(Waiting&&) noexcept = default;
    ~Waiting() {
        if (left_behind() && !settle_alone()) [[unlikely]]
            give_up();
    }

    [[nodiscard]] bool await_ready() const noexcept { return event_.is_set(); }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return park(self.promise(), [this](sync::Wakes&) { return event_.is_set(); });
    }

    bool await_resume() {
        if (resumed()) {
            const bool cancelled = interrupted();
            (void)settle_alone();
            if (cancelled) throw_cancelled();
        }
        return true;
    }

private:
    void give_up() noexcept;

    Event& event_;
};

inline Event::Waiting Event::wait() { return Waiting(*this); }

}  // namespace weft
