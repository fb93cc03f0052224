// Timer and TimerQueue: the deadlines of one loop.
//
// Invariant: a Timer is armed in one queue or in none; it leaves by exactly one of fire, disarm and discard. All of
// it happens on the loop's own thread: who loses a race across threads is decided by the future that the timer
// completes, never here.
//
//     idle --arm--> armed --fire_due--> idle (fire called)
//                     |---disarm------> idle (nothing called)
//                     '---discard_all-> idle (discard called: the loop closes)
//
// A binary heap by (deadline, order of arming), so equal deadlines fire in order of creation. Disarming leaves a hole
// that is dropped when it reaches the end or the top, or when holes are the majority: O(1) amortised, and arming and
// disarming for ever keeps the heap as small as what is armed.
//
// Rejected: a hashed wheel (needs a tick, and asyncio's order within it), a pairing heap (two more words per timer).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "scheduler/clock.hpp"

namespace weft::scheduler {

class Timer {
public:
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    // The deadline has come. Schedules what should run; runs no user code itself.
    virtual void fire() noexcept = 0;

    // The loop closes with the timer armed.
    virtual void discard() noexcept = 0;

    [[nodiscard]] bool armed() const { return position_ != kIdle; }

protected:
    Timer() = default;
    ~Timer() = default;

private:
    friend class TimerQueue;
    static constexpr std::size_t kIdle = std::numeric_limits<std::size_t>::max();
    std::size_t position_ = kIdle;
};

class TimerQueue {
public:
    TimerQueue() = default;
    TimerQueue(const TimerQueue&) = delete;
    TimerQueue& operator=(const TimerQueue&) = delete;

    // Throws std::bad_alloc; then the timer stays idle.
    void arm(Timer& timer, TimePoint deadline);

    // Returns false if the timer was not armed. Cost: O(1) amortised.
    bool disarm(Timer& timer) noexcept;

    // Fires what is due at `now`, in order. A timer armed by fire() waits for the next call, and so does what comes
    // behind it in the order.
    void fire_due(TimePoint now) noexcept;

    // Returns the earliest deadline, none if nothing is armed.
    [[nodiscard]] std::optional<TimePoint> next_deadline() noexcept;

    void discard_all() noexcept;

    [[nodiscard]] bool empty() const { return armed_ == 0; }
    [[nodiscard]] std::size_t size() const { return armed_; }

    // What the heap really holds, holes included: for the test that it does not grow.
    [[nodiscard]] std::size_t footprint() const { return heap_.size(); }

private:
    struct Entry {
        TimePoint deadline;
        std::uint64_t order;
        Timer* timer;  // null: a hole

        [[nodiscard]] bool before(const Entry& other) const {
            return deadline != other.deadline ? deadline < other.deadline : order < other.order;
        }
    };

    void place(std::size_t position, const Entry& entry) noexcept;
    void sift_up(std::size_t position) noexcept;
    void sift_down(std::size_t position) noexcept;
    void pop_top() noexcept;
    void drop_holes_at_top() noexcept;
    void rebuild_without_holes() noexcept;

    std::vector<Entry> heap_;
    std::size_t armed_ = 0;
    std::uint64_t next_order_ = 0;
};

}  // namespace weft::scheduler
