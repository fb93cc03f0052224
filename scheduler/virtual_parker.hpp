// VirtualParker: a Parker for tests. Time stands still while anything is ready and jumps to the next deadline when
// the loop would block; a loop that would block for ever is a deadlock and says so at once instead of hanging.
//
// Orderings
//   V1 token: release store in unpark, acquire exchange in park_until   what was done before an unpark is seen behind the
//                                                                       park that takes its token
#pragma once

#include <stdexcept>
#include <string>

#include "scheduler/atomic.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/parker.hpp"

namespace weft::scheduler {

class Deadlock : public std::logic_error {
public:
    // Says what waits on the running loop's group.
    Deadlock()
        : std::logic_error("deadlock: nothing is ready, no timer is armed, and nobody can wake this loop" +
                           (current_loop() == nullptr ? std::string() : describe_waiting(*current_loop()))) {}
};

class VirtualParker final : public Parker {
public:
    std::size_t poll() override { return 0; }

    // Throws Deadlock where a real loop would sleep for ever.
    void park_until(std::optional<TimePoint> deadline) override {
        if (token_.exchange(false, std::memory_order_acquire)) return;  // V1 acquire
        if (!deadline) throw Deadlock();
        if (*deadline > now_) now_ = *deadline;
    }

    void unpark() override { token_.store(true, std::memory_order_release); }  // V1 release

    [[nodiscard]] TimePoint now() const override { return now_; }

    // A step that takes time: moves the clock without running anything.
    void advance(Duration by) { now_ += by; }

private:
    TimePoint now_{};
    Atomic<bool> token_{false};
};

}  // namespace weft::scheduler
