// Escape: an exception that left the run() of one loop and is to leave that of another, which the caller's thread runs.
// What ends a program's run (SystemExit) may be thrown on any loop and must arrive where run() was called, once.
//
// Invariant: one exception is under way at a time, the first; it leaves the target's run() or is forgotten.
//
//     empty --send--> under way (queued on the target) --run--> out        under way --forget--> queued, empty
//
// Thread: send from any of the group; forget when none of the loops runs.
#pragma once

#include <exception>
#include <mutex>
#include <utility>

#include "scheduler/atomic.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"

namespace weft::scheduler {

class Escape final : public Runnable {
public:
    Escape() = default;
    Escape(const Escape&) = delete;
    Escape& operator=(const Escape&) = delete;

    enum class [[nodiscard]] Sending : std::uint8_t { sent, second };

    Sending send(std::exception_ptr exception, Loop& target) {
        {
            const std::lock_guard lock(mutex_);
            if (exception_ != nullptr) return Sending::second;
            exception_ = std::move(exception);
            if (std::exchange(queued_, true)) return Sending::sent;  // an empty one is still on the way
        }
        (void)target.post(*this);
        return Sending::sent;
    }

    // Returns what did not arrive, or null.
    [[nodiscard]] std::exception_ptr forget() {
        const std::lock_guard lock(mutex_);
        return std::exchange(exception_, nullptr);
    }

    void run() noexcept override {
        if (std::exception_ptr exception = arrive()) current_loop()->interrupt(std::move(exception));
    }
    void drop() noexcept override { (void)arrive(); }

private:
    std::exception_ptr arrive() noexcept {
        const std::lock_guard lock(mutex_);
        queued_ = false;
        return std::exchange(exception_, nullptr);
    }

    Mutex mutex_;
    std::exception_ptr exception_;
    bool queued_ = false;
};

}  // namespace weft::scheduler
