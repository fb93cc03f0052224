// Readiness: which descriptors of a loop can be read or written. Callbacks that stay (add_reader) and awaits that end
// with the first event (wait_readable) share one entry per descriptor.
//
// Invariant: what the kernel is asked about a descriptor is what its entry holds; without callback and waits there is
// neither. A descriptor belongs to the user: it is never closed, and its flags stay as they are.
//
// It is an epoll instance of its own, level-triggered, which the loop's io_context sees as one more descriptor: asked
// again only after the callbacks that the last answer queued have run, so that a reader that takes its time does not
// keep the loop in its Parker. A closed descriptor whose number came back is found by asking anew each time.
//
// Rejected: an Asio descriptor per registration (a descriptor can be in one reactor once, Asio sets O_NONBLOCK on what
// is often shared with other processes, and edge-triggered it would not call again while there is something to read).
// Source: asyncio's BaseSelectorEventLoop._add_reader; man 7 epoll on nested instances.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "io/watch.hpp"
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
    [[nodiscard]] std::string in_words() const override {
        return (direction_ == Direction::read ? "wait_readable(" : "wait_writable(") + std::to_string(fd_) + ')';
    }
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

// Thread: the loop's.
class Readiness final : private scheduler::Runnable {
public:
    // Throws std::runtime_error if the loop has no Reactor, std::system_error for want of descriptors.
    explicit Readiness(scheduler::Loop& loop);
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;
    // Cancels all waits and callbacks.
    ~Readiness();

    // Takes the place of the callback that there was.
    // Throws std::system_error: EBADF for what is no descriptor, EPERM for a regular file; then nothing has changed.
    void watch(int fd, Direction direction, OwnedWatch watch);
    // Returns whether there was one.
    bool unwatch(int fd, Direction direction) noexcept;

private:
    friend class ReadinessWait;

    struct Side {
        OwnedWatch watch;
        ReadinessWait* newest = nullptr;
        [[nodiscard]] bool empty() const { return watch == nullptr && newest == nullptr; }
    };
    struct Entry {
        std::array<Side, 2> sides;
        std::uint32_t asked = 0;  // what the kernel is asked
        [[nodiscard]] Side& side(Direction direction) { return sides[static_cast<std::size_t>(direction)]; }
        [[nodiscard]] std::uint32_t wanted() const;
    };
    class Epoll;

    void list(ReadinessWait& wait);
    void unlist(ReadinessWait& wait) noexcept;
    void ask(int fd, Entry& entry);
    void ask_less(int fd) noexcept;
    void unlink(Side& side, ReadinessWait& wait) noexcept;
    void tell(int fd, Entry& entry, std::uint32_t events);
    static ReadinessWait* take_all(Side& side) noexcept;
    void take_events();
    void listen();
    void run() noexcept override;
    void drop() noexcept override {}

    scheduler::Loop& loop_;
    std::unordered_map<int, Entry> entries_;
    std::unique_ptr<Epoll> epoll_;
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
