#include "io/readiness.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "io/reactor.hpp"

namespace weft::io {

namespace {

using scheduler::LoopLocal;

boost::asio::io_context& context_for_readiness(scheduler::Loop& loop) {
    boost::asio::io_context* context = context_of(loop);
    if (context == nullptr) throw std::runtime_error("this event loop listens to no descriptors: it has no io_context");
    return *context;
}

int make_epoll() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return fd;
}

}  // namespace

class Readiness::Epoll {
public:
    explicit Epoll(boost::asio::io_context& context) : descriptor_(context.get_executor()) {
        const int fd = make_epoll();
        try {
            descriptor_.assign(fd);
        } catch (const boost::system::system_error& error) {
            ::close(fd);
            throw std::system_error(error.code());
        }
    }

    [[nodiscard]] int fd() { return descriptor_.native_handle(); }

    template <class Handler>
    void async_wait(Handler handler) {
        descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read, std::move(handler));
    }

    int control(int operation, int fd, std::uint32_t mask) {
        epoll_event event{};
        event.events = mask;
        event.data.fd = fd;
        return ::epoll_ctl(this->fd(), operation, fd, &event);
    }

private:
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> descriptor_;
};

// --- Readiness ----------------------------------------------------------------------------------------------------

Readiness::Readiness(scheduler::Loop& loop)
    : loop_(loop), epoll_(std::make_unique<Epoll>(context_for_readiness(loop))) {
    listen();
}

Readiness::~Readiness() {
    for (auto& [fd, entry] : entries_) {
        for (Side& side : entry.sides) {
            side.watch = OwnedWatch();
            while (ReadinessWait* wait = side.newest) {
                unlink(side, *wait);
                (void)wait->ValueFutureState<void>::cancel({});
                wait->release();
            }
        }
    }
}

std::uint32_t Readiness::Entry::wanted() const {
    return (sides[0].empty() ? 0U : static_cast<std::uint32_t>(EPOLLIN)) |
           (sides[1].empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT));
}

void Readiness::watch(int fd, Direction direction, OwnedWatch watch) {
    Entry& entry = entries_[fd];
    Side& side = entry.side(direction);
    std::swap(side.watch, watch);
    try {
        ask(fd, entry);
    } catch (...) {
        std::swap(side.watch, watch);
        ask_less(fd);
        throw;
    }
}

bool Readiness::unwatch(int fd, Direction direction) noexcept {
    const auto found = entries_.find(fd);
    if (found == entries_.end()) return false;
    const OwnedWatch watch = std::move(found->second.side(direction).watch);
    if (!watch) return false;
    ask_less(fd);
    return true;
}

void Readiness::list(ReadinessWait& wait) {
    Entry& entry = entries_[wait.fd_];
    Side& side = entry.side(wait.direction_);
    wait.older_ = side.newest;
    if (side.newest != nullptr) side.newest->newer_ = &wait;
    side.newest = &wait;
    wait.listed_ = true;
    try {
        ask(wait.fd_, entry);
    } catch (...) {
        unlink(side, wait);
        ask_less(wait.fd_);
        throw;
    }
}

void Readiness::unlist(ReadinessWait& wait) noexcept {
    unlink(entries_.find(wait.fd_)->second.side(wait.direction_), wait);
    ask_less(wait.fd_);
    wait.release();
}

void Readiness::unlink(Side& side, ReadinessWait& wait) noexcept {
    (wait.newer_ != nullptr ? wait.newer_->older_ : side.newest) = wait.older_;
    if (wait.older_ != nullptr) wait.older_->newer_ = wait.newer_;
    wait.listed_ = false;
}

// Asks even for what was asked already: the number may have been closed and given out again meanwhile.
void Readiness::ask(int fd, Entry& entry) {
    const std::uint32_t mask = entry.wanted();
    int result = -1;
    if (entry.asked != 0) result = epoll_->control(EPOLL_CTL_MOD, fd, mask);
    if (entry.asked == 0 || (result != 0 && errno == ENOENT)) result = epoll_->control(EPOLL_CTL_ADD, fd, mask);
    if (result != 0) {
        throw std::system_error(errno, std::generic_category(),
                                "descriptor " + std::to_string(fd) + " cannot be watched");
    }
    entry.asked = mask;
}

// Something was taken out of the entry. A descriptor that was closed has left the kernel's list by itself.
void Readiness::ask_less(int fd) noexcept {
    const auto found = entries_.find(fd);
    Entry& entry = found->second;
    const std::uint32_t mask = entry.wanted();
    if (mask != entry.asked) (void)epoll_->control(mask == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, mask);
    entry.asked = mask;
    if (mask == 0) entries_.erase(found);
}

// All that wait try again; who comes too late waits again. The kernel is asked less before they are told: they may
// close the descriptor at once, on another loop.
void Readiness::tell(int fd, Entry& entry, std::uint32_t events) {
    std::array<ReadinessWait*, 2> oldest{};
    std::array<Watch*, 2> watches{};
    for (const std::size_t i : {0U, 1U}) {
        // An error or a hang-up is news for both sides.
        if ((events & ~static_cast<std::uint32_t>(i == 0 ? EPOLLOUT : EPOLLIN)) == 0) continue;
        oldest[i] = take_all(entry.sides[i]);
        watches[i] = entry.sides[i].watch.get();
    }
    ask_less(fd);  // without callbacks this was the entry's end
    for (const std::size_t i : {0U, 1U}) {
        for (ReadinessWait* wait = oldest[i]; wait != nullptr;) {
            ReadinessWait* newer = wait->newer_;
            (void)wait->try_set_value();
            wait->release();
            wait = newer;
        }
        if (watches[i] != nullptr) watches[i]->notify(loop_);
    }
}

// Returns the oldest, each linked to the next newer one.
ReadinessWait* Readiness::take_all(Side& side) noexcept {
    ReadinessWait* oldest = nullptr;
    for (ReadinessWait* wait = std::exchange(side.newest, nullptr); wait != nullptr; wait = wait->older_) {
        wait->listed_ = false;
        oldest = wait;
    }
    return oldest;
}

void Readiness::take_events() {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_->fd(), events.data(), static_cast<int>(events.size()), 0);
    bool renew = false;
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto found = entries_.find(event.data.fd);
        if (found == entries_.end()) {
            // Closed while it was waited for, but alive as a copy: by its number it cannot be taken out any more.
            renew = true;
            continue;
        }
        tell(event.data.fd, found->second, event.events);
    }
    if (!renew) return;
    epoll_ = std::make_unique<Epoll>(context_for_readiness(loop_));
    for (const auto& [fd, entry] : entries_) (void)epoll_->control(EPOLL_CTL_ADD, fd, entry.asked);
}

void Readiness::listen() {
    epoll_->async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        take_events();
        loop_.push_pinned(*this);  // behind the callbacks
    });
}

void Readiness::run() noexcept {
    try {
        listen();
    } catch (...) {
        loop_.push_pinned(*this);  // there is no memory right now
    }
}

}  // namespace weft::io
