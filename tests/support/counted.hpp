// Counted: a Runnable for the question "did each run exactly once?", asked with many threads.
//
// The count that everybody may touch is atomic; `payload_` is not. It is written by who made the Runnable and read by
// who runs it, so that ThreadSanitizer reports a queue that hands over a pointer without what it points to.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "scheduler/runnable.hpp"

namespace weft::test {

class Counted final : public scheduler::Runnable {
public:
    Counted() = default;

    // By the sender, just before it queues the Runnable.
    void prepare() { payload_ = kPayload; }

    void run() noexcept override {
        if (payload_ != kPayload) torn_.store(true, std::memory_order_relaxed);
        runs_.fetch_add(1, std::memory_order_relaxed);
    }
    void drop() noexcept override {}

    [[nodiscard]] int runs() const { return runs_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool torn() const { return torn_.load(std::memory_order_relaxed); }

private:
    static constexpr int kPayload = 4711;
    int payload_ = 0;
    std::atomic<int> runs_{0};
    std::atomic<bool> torn_{false};
};

// What went wrong, for one CHECK instead of thousands.
struct Tally {
    std::size_t lost = 0;
    std::size_t repeated = 0;
    std::size_t torn = 0;

    friend bool operator==(const Tally&, const Tally&) = default;
};

template <class Items>
[[nodiscard]] Tally tally(const Items& items) {
    Tally sum;
    for (const auto& item : items) {
        sum.lost += item.runs() == 0;
        sum.repeated += item.runs() > 1;
        sum.torn += item.torn();
    }
    return sum;
}

}  // namespace weft::test
