// CondvarParker: the plain Parker: no I/O, a mutex and a condition variable.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>

#include "scheduler/clock.hpp"
#include "scheduler/parker.hpp"

namespace weft::scheduler {

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
