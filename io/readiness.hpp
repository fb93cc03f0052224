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
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "io/wait_readable.hpp"
#include "io/watch.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"

namespace weft::io {

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
        [[nodiscard]] bool empty() const { return !watch && newest == nullptr; }
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

}  // namespace weft::io
