// Parker: how a loop blocks, and the only place that reads the time. The loop calls poll, park_until and now on its
// own thread; unpark may come from anywhere.
//
// Contract: an unpark leaves a token that makes the current or the next park return; several may fold into one. A
// park may return early without reason. poll and park_until run whatever the Parker itself listens to (the Reactor:
// Asio's handlers), which may schedule but never runs user code.
#pragma once

#include <cstddef>
#include <optional>

#include "scheduler/clock.hpp"

namespace weft::scheduler {

class Parker {
public:
    Parker() = default;
    Parker(const Parker&) = delete;
    Parker& operator=(const Parker&) = delete;
    virtual ~Parker() = default;

    // Looks without blocking. Returns how many events it handled.
    virtual std::size_t poll() = 0;

    // Blocks until the deadline (none: for ever), an event, or an unpark.
    virtual void park_until(std::optional<TimePoint> deadline) = 0;

    // Thread: any.
    virtual void unpark() = 0;

    [[nodiscard]] virtual TimePoint now() const = 0;

    // What this Parker is made of, for the room that made it; null for a plain one.
    [[nodiscard]] virtual void* native() noexcept { return nullptr; }
};

}  // namespace weft::scheduler
