// Event: a flag that tasks wait for, on any loop. Rule 226.
//
// Invariant: set() wakes everybody who waits at that moment; a clear() that follows at once does not take that back. The
// word counts the calls of set(): one that came after a wait had begun is seen, whether the task was in line or, in a
// select(), between two lines.
// An event lives until those that it woke have resumed: a canceller may still be looking at it for one of them.
//
// Orderings
//   E1 word: release stores in set and clear, acquire load in is_set and look    what was done before the flag was
//      set reaches who sees it set, or sees that it was
//   the mutex: the same for those that waited
#pragma once

#include <cstdint>
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
    [[nodiscard]] bool is_set() const noexcept { return (look() & kSet) != 0; }

    // "event 'ready'"
    [[nodiscard]] const std::string& in_words() const noexcept { return lot_.in_words(); }

private:
    static constexpr std::uint64_t kSet = 1;
    static constexpr std::uint64_t kOnce = 2;

    [[nodiscard]] std::uint64_t look() const noexcept { return word_.load(std::memory_order_acquire); }  // E1

    scheduler::Atomic<std::uint64_t> word_{0};  // changed under the mutex
    scheduler::SpinLock mutex_;
    sync::ParkingLot lot_;
};

class Event::Waiting final : public sync::Notified {
public:
    explicit Waiting(Event& event) noexcept : Notified(event.lot_), event_(event) {}
    Waiting(Waiting&&) noexcept = default;

    [[nodiscard]] bool await_ready() noexcept {
        first_look_ = event_.look();
        return there();
    }
    bool await_resume() {
        Notified::await_resume();
        return true;
    }

    // For select(), as in_turn.hpp says.
    [[nodiscard]] bool attempt() noexcept {
        if (!looked_) {
            looked_ = true;
            return await_ready();
        }
        return there();
    }
    [[nodiscard]] bool attempt_woken() const noexcept { return true; }  // whatever the flag is now
    [[nodiscard]] Waiting line() const noexcept { return Waiting(event_, first_look_); }
    [[nodiscard]] bool result() const noexcept { return true; }

private:
    Waiting(Event& event, std::uint64_t first_look) noexcept
        : Notified(event.lot_), event_(event), first_look_(first_look) {}

    // Set, or set meanwhile.
    [[nodiscard]] bool there() const noexcept override {
        const std::uint64_t now = event_.look();
        return (now & kSet) != 0 || now / kOnce != first_look_ / kOnce;
    }

    Event& event_;
    std::uint64_t first_look_ = 0;  // when the wait began
    bool looked_ = false;
};

inline Event::Waiting Event::wait() { return Waiting(*this); }

}  // namespace weft
