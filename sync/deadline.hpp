// Deadline: a timeout as it was given, turned into a point in time when the operation is *called*; outside of loops,
// where no clock runs, when it starts.
#pragma once

#include <optional>

#include "scheduler/clock.hpp"
#include "scheduler/loop.hpp"

namespace weft::sync {

class Deadline {
public:
    Deadline() = default;  // never
    static Deadline at(std::optional<TimePoint> when) {
        Deadline deadline;
        deadline.when_ = when;
        return deadline;
    }
    static Deadline after(std::optional<Duration> delay) {
        Deadline deadline;
        deadline.delay_ = delay;
        if (const scheduler::Loop* here = scheduler::current_loop()) deadline.fix(*here);
        return deadline;
    }

    // Returns none for never. On a loop.
    [[nodiscard]] std::optional<TimePoint> resolve() {
        fix(*scheduler::current_loop());
        return when_;
    }

    [[nodiscard]] std::optional<TimePoint> when() const { return when_; }

private:
    // A delay beyond the clock's range does not wrap to the past.
    void fix(const scheduler::Loop& loop);

    std::optional<Duration> delay_;
    std::optional<TimePoint> when_;
};

}  // namespace weft::sync
