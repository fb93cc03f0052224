// Countdown: a thread waits until others have done n things, and gives up after a limit instead of hanging.
//
// Counting down is relaxed but for the last: a latch at every step would order the threads and hide their races from
// ThreadSanitizer.
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

    void count_down() noexcept {
        if (left_.fetch_sub(1, std::memory_order_relaxed) != 1) return;
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
    static constexpr std::chrono::seconds kLimit{30};
    std::atomic<std::int64_t> left_;
    std::mutex mutex_;
    std::condition_variable reached_;
    bool done_;
};

}  // namespace weft::test
