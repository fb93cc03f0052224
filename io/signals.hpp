// Signals: what the kernel tells the process, told to one loop as callbacks.
//
// The handler that the process gets counts, and writes to the eventfd of the loop that watches the signal; the loop's
// Readiness listens to that. Handlers run on the loop as callbacks do, once for each time that the kernel delivered.
//
// Invariant: a signal belongs to at most one loop of the process. The eventfds are never closed but used again: a
// handler that is just running may write to one that its loop has given back, which wakes a loop for nothing.
//
// Orderings (process-wide, a line per signal number)
//   G1 unseen: acq_rel add in the handler, before it writes; acq_rel exchange by the loop, after it has read   a signal
//      that comes after the exchange also writes after the read, and is told again
//   G2 alarm, limit: relaxed; written before the handler is installed
//
// Rejected: signalfd (a signal must be blocked in every thread, also in those of others, and stays blocked in programs
// that the process starts); boost::asio::signal_set (takes every signal to every set, and on removal it resets what the
// program has installed meanwhile).
#pragma once

#include <cstdint>
#include <map>

#include "io/watch.hpp"
#include "scheduler/loop.hpp"

namespace weft::io {

// Thread: the loop's.
class Signals {
public:
    // Throws as Readiness.
    explicit Signals(scheduler::Loop& loop);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    // Gives all signals back.
    ~Signals();

    // What becomes of deliveries while the loop does not turn.
    enum class Unseen : std::uint8_t { pile_up, third_kills };

    // Throws std::invalid_argument for what is no signal number.
    static void check(int signal);

    // Takes the place of the callback that there was.
    // Throws std::invalid_argument for what is no signal number; std::runtime_error for a signal that cannot be caught,
    // or that another loop watches.
    void watch(int signal, OwnedWatch watch, Unseen unseen = Unseen::pile_up);

    // The signal does what it does by default, unless the program has installed a handler of its own meanwhile.
    // Returns whether there was a callback.
    bool unwatch(int signal) noexcept;

    // Returns how often the watched signal came without a call having been made for it. Before unwatch().
    [[nodiscard]] std::uint32_t undelivered(int signal) noexcept;

private:
    void look();
    void give_back(int signal) noexcept;

    scheduler::Loop& loop_;
    int alarm_;
    std::map<int, OwnedWatch> watches_;
};

}  // namespace weft::io
