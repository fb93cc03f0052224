// Countdown: a thread waits until others have done n things, and gives up after a limit instead of hanging.
//
// A stress test counts down relaxed: acq_rel would order its threads at each step and hide their races from
// ThreadSanitizer. It then has to join them before it looks at what they did.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace weft::test {

class Countdown {
public:
    explicit Countdown(std::int64_t count) : left_(count), done_(count == 0) {}
    Countdown(const Countdown&) = delete;
    Countdown& operator=(const Countdown&) = delete;

    void count_down(std::memory_order order = std::memory_order_acq_rel) noexcept {
        if (left_.fetch_sub(1, order) != 1) return;
        const std::lock_guard lock(mutex_);
        done_ = true;
        reached_.notify_all();
    }

    // Returns false if the limit came first: something is stuck or lost.
    [[nodiscard]] bool wait() {
        std::unique_lock lock(mutex_);
        return reached_.wait_for(lock, kLimit, [this] { return done_; });
    }

    [[nodiscard]] std::int64_t left() const { return left_.load(std::memory_order_relaxed); }

private:
    static constexpr std::chrono::seconds kLimit{10};
    std::atomic<std::int64_t> left_;
    std::mutex mutex_;
    std::condition_variable reached_;
    bool done_;
};

}  // namespace weft::test
