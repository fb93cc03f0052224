#include "io/signals.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/readiness.hpp"
#include "scheduler/atomic.hpp"

namespace weft::io {

namespace {

struct Line {
    scheduler::Atomic<std::uint32_t> unseen{0};
    scheduler::Atomic<std::uint32_t> limit{0};  // that many unseen end the process; 0 for none
    scheduler::Atomic<int> alarm{-1};
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may use nothing else");

constinit std::array<Line, NSIG> lines;

Line& line(int signal) { return lines[static_cast<std::size_t>(signal)]; }

// Who watches what, and eventfds that nobody uses. Never destroyed: loops may be static objects.
struct Owners {
    scheduler::Mutex mutex;
    std::array<const Signals*, NSIG> of_signal{};
    std::vector<int> spare_alarms;
};
Owners& owners() {
    static Owners* const instance = new Owners;
    return *instance;
}

extern "C" void weft_on_signal(int signal) {
    const int error = errno;
    Line& own = line(signal);
    const std::uint32_t unseen = own.unseen.fetch_add(1, std::memory_order_acq_rel) + 1;  // G1
    const std::uint32_t limit = own.limit.load(std::memory_order_relaxed);                // G2
    if (limit != 0 && unseen >= limit) {
        ::signal(signal, SIG_DFL);
        (void)::raise(signal);  // when this handler has returned
    }
    const std::uint64_t one = 1;
    const int alarm = own.alarm.load(std::memory_order_relaxed);  // G2
    if (alarm >= 0) (void)!::write(alarm, &one, sizeof one);
    errno = error;
}

int take_alarm() {
    Owners& all = owners();
    const std::lock_guard lock(all.mutex);
    if (!all.spare_alarms.empty()) {
        const int alarm = all.spare_alarms.back();
        all.spare_alarms.pop_back();
        return alarm;
    }
    const int alarm = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (alarm < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    return alarm;
}

void give_alarm(int alarm) noexcept {
    Owners& all = owners();
    const std::lock_guard lock(all.mutex);
    try {
        all.spare_alarms.push_back(alarm);
    } catch (...) {
        // One descriptor is lost; to close it might hit somebody else's.
    }
}

bool disposition_is_ours(int signal) {
    struct sigaction action{};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == &weft_on_signal;
}

}  // namespace

Signals::Signals(scheduler::Loop& loop) : loop_(loop) {
    Readiness& readiness = scheduler::LoopLocal<Readiness>::of(loop);  // first: it outlives this
    alarm_ = take_alarm();
    try {
        readiness.watch(alarm_, Direction::read, make_watch([this] { look(); }));
    } catch (...) {
        give_alarm(alarm_);
        throw;
    }
}

Signals::~Signals() {
    while (!watches_.empty()) unwatch(watches_.begin()->first);
    (void)scheduler::LoopLocal<Readiness>::of(loop_).unwatch(alarm_, Direction::read);
    give_alarm(alarm_);
}

void Signals::check(int signal) {
    sigset_t all;
    sigfillset(&all);
    if (signal < 1 || signal >= NSIG || sigismember(&all, signal) != 1)
        throw std::invalid_argument("invalid signal number " + std::to_string(signal));
}

void Signals::watch(int signal, OwnedWatch watch, Unseen unseen) {
    check(signal);
    const std::string name = "sig " + std::to_string(signal);
    const auto [place, is_new] = watches_.try_emplace(signal);
    try {
        Owners& all = owners();
        const std::lock_guard lock(all.mutex);
        const Signals*& owner = all.of_signal[static_cast<std::size_t>(signal)];
        if (owner != nullptr && owner != this) throw std::runtime_error(name + " is handled by another event loop");
        if (is_new) line(signal).unseen.store(0, std::memory_order_relaxed);
        line(signal).limit.store(unseen == Unseen::third_kills ? 3 : 0, std::memory_order_relaxed);  // G2
        line(signal).alarm.store(alarm_, std::memory_order_relaxed);                                 // G2
        struct sigaction action{};
        action.sa_handler = &weft_on_signal;
        action.sa_flags = SA_RESTART;
        if (::sigaction(signal, &action, nullptr) != 0) throw std::runtime_error(name + " cannot be caught");
        owner = this;
    } catch (...) {
        if (is_new) watches_.erase(place);
        throw;
    }
    place->second = std::move(watch);
}

bool Signals::unwatch(int signal) noexcept {
    const auto found = watches_.find(signal);
    if (found == watches_.end()) return false;
    const OwnedWatch watch = std::move(found->second);
    watches_.erase(found);
    give_back(signal);
    return true;
}

std::uint32_t Signals::undelivered(int signal) noexcept {
    const auto found = watches_.find(signal);
    if (found == watches_.end()) return 0;
    return line(signal).unseen.exchange(0, std::memory_order_acq_rel) + found->second->outstanding();  // G1
}

void Signals::give_back(int signal) noexcept {
    Owners& all = owners();
    const std::lock_guard lock(all.mutex);
    if (disposition_is_ours(signal)) ::signal(signal, SIG_DFL);
    line(signal).alarm.store(-1, std::memory_order_relaxed);  // G2
    all.of_signal[static_cast<std::size_t>(signal)] = nullptr;
}

void Signals::look() {
    std::uint64_t count = 0;
    (void)!::read(alarm_, &count, sizeof count);
    for (const auto& [signal, watch] : watches_) {
        const std::uint32_t unseen = line(signal).unseen.exchange(0, std::memory_order_acq_rel);  // G1
        if (unseen != 0) watch->notify(loop_, unseen);
    }
}

}  // namespace weft::io
