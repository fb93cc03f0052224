// Parker: how a loop blocks, and the only place that reads the time. The loop calls poll, park_until and now on its
// own thread; unpark may come from anywhere.
//
// Contract: an unpark leaves a token that makes the current or the next park return; several may fold into one. A
// park may return early without reason. poll and park_until run whatever the Parker itself listens to (the Reactor:
// Asio's handlers), which may schedule but never runs user code.
//
// CondvarParker is the plain one: no I/O, a mutex and a condition variable.
#pragma once

#include <condition_variable>
#include <mutex>
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

class CondvarParker final : public Parker {
public:
    std::size_t poll() override { return 0; }

    void park_until(std::optional<TimePoint> deadline) override {
        std::unique_lock lock(mutex_);
        const auto token = [this] { return token_; };
        if (deadline) {
            woken_.wait_until(lock, *deadline, token);
        } else {
            woken_.wait(lock, token);
        }
        token_ = false;
    }

    void unpark() override {
        // Notified under the lock: the parked loop may be gone as soon as the lock is free.
        const std::lock_guard lock(mutex_);
        token_ = true;
        woken_.notify_one();
    }

    [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }

private:
    std::mutex mutex_;
    std::condition_variable woken_;
    bool token_ = false;
};

}  // namespace weft::scheduler
