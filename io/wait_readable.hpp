// wait_readable, wait_writable: awaits that end when a descriptor is ready. See Readiness, which lists them.
#pragma once

#include <coroutine>
#include <cstdint>
#include <string>
#include <string_view>

#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"
#include "sync/branch.hpp"
#include "sync/future.hpp"

namespace weft {

namespace io {

class Readiness;

enum class Direction : std::uint8_t { read, write };

// A future that ends when a descriptor is ready. The Readiness that lists it owns a reference.
class ReadinessWait final : public sync::ValueFutureState<void>, private scheduler::Runnable {
public:
    // Listed by the running loop. Throws as Readiness::watch.
    ReadinessWait(int fd, Direction direction);

    bool cancel(std::string_view message) noexcept override;
    [[nodiscard]] std::string in_words() const override;
    [[nodiscard]] bool ends_from_outside() const noexcept override { return true; }

private:
    friend class Readiness;

    // The second half of a cancel, on the loop that lists it: leaves, then ends. Who waits may close the descriptor then.
    void run() noexcept override;
    void drop() noexcept override;

    const int fd_;
    const Direction direction_;
    bool listed_ = false;
    ReadinessWait* newer_ = nullptr;
    ReadinessWait* older_ = nullptr;
    scheduler::Loop& loop_;
    scheduler::Shell& shell_;
    const std::uint32_t generation_;
};

class ReadinessAwaiter {
public:
    ReadinessAwaiter(int fd, Direction direction) : fd_(fd), direction_(direction) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        auto* wait = new ReadinessWait(fd_, direction_);
        wait_ = sync::FutureRef(wait);
        return sync::suspend_on(self.promise(), *wait, suspended_);
    }

    void await_resume() {
        if (suspended_ != nullptr) suspended_->deliver_cancel();
        wait_.get().check();
    }

private:
    const int fd_;
    const Direction direction_;
    sync::FutureRef wait_;
    sync::TaskState* suspended_ = nullptr;
};

}  // namespace io

// Return, when awaited, as soon as `fd` can be read (or written), has failed or was hung up: the next system call does
// not block, unless somebody else makes it first. Any kind of descriptor that can be polled, any number of waits.
// Throws std::system_error: EBADF for what is no descriptor, EPERM for a regular file.
// Cancel: nothing is left behind. Close no descriptor that is waited for: the wait would not end.
[[nodiscard]] inline auto wait_readable(int fd) { return io::ReadinessAwaiter(fd, io::Direction::read); }
[[nodiscard]] inline auto wait_writable(int fd) { return io::ReadinessAwaiter(fd, io::Direction::write); }

}  // namespace weft
