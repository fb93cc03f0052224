// Memory: C++20's atomics as a machine that runs one step at a time (view-based, as RC11 without load buffering). A
// location is the list of all messages ever stored to it, oldest first: its modification order. A thread reads any
// message that its view does not forbid; which one is the explorer's choice.
//
//     location x   [ 0 ][ 5, view ][ 7, view ]        view: what an acquire load of this message learns
//                         ^ thread 1 may read 5 or 7; thread 2 has seen 7 and never reads 5 again
//
// Rules
//   load        any message from the view's floor on; acquire joins the message's view, relaxed keeps it for a fence
//   store       a new last message; release: with the thread's view, relaxed: with that of its last release fence
//   RMW         reads the last message and appends to it; its message also carries the view it replaced: the release
//               sequence goes on
//   seq_cst     also through `total_`, the order S as far as it went: loads read nothing older than what an earlier
//               seq_cst access of the location stored or read, or what was visible to an earlier seq_cst fence
//   plain       epochs of the last write and of each thread's last read: two that are not ordered are a race
//   birth, end  making and destroying an atomic are plain writes to it: who uses it must be ordered with both
//
// What this machine cannot do although C++20 allows it: read a value before it is stored (load buffering), store into the
// middle of a modification order (2+2W, Z6.U), or have an order S that is not the order of execution, where only relaxed
// accesses lead from one seq_cst access to the other. It may miss a defect that needs these; it never invents one.
//
// Source: Kang et al. 2017 (views), Lahav et al. 2017 (RC11), [atomics.order] of C++20 for seq_cst.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "tests/model/view.hpp"

namespace weft::model {

using Value = std::uint64_t;
using Order = std::memory_order;

// Plain memory: who wrote last, and when each thread read last.
struct Epochs {
    Thread writer = 0;
    Stamp written = 0;
    std::array<Stamp, kMaxThreads> read{};
};

enum class [[nodiscard]] Access : std::uint8_t { ordered, race };

class Memory {
public:
    // Forgets everything; the body is thread 0.
    void reset();
    // `child` sees all that `parent` has seen; after join, the other way round.
    void fork(Thread parent, Thread child);
    void join(Thread parent, Thread child);

    // When an atomic was made; one made before the execution is ordered before everything.
    struct Birth {
        Thread thread = 0;
        Stamp moment = 0;
    };
    [[nodiscard]] Birth birth(Thread thread) const { return {thread, threads_[thread].current.clock[thread]}; }

    // The location of an atomic that is used for the first time; kNone if there are too many.
    static constexpr Location kNone = kMaxLocations;
    Location make(Value value, Birth birth);
    Access destroy(Thread thread, Location location);
    // Whether the thread is ordered behind the making of the location, and before nobody's destroying it.
    Access touch(Thread thread, Location location);

    // The messages that the thread may read now: [floor, newest].
    [[nodiscard]] Stamp floor(Thread thread, Location location, Order order) const;
    [[nodiscard]] Stamp newest(Location location) const { return static_cast<Stamp>(locations_[location].count - 1); }
    [[nodiscard]] Value value(Location location, Stamp stamp) const {
        return locations_[location].messages[stamp].value;
    }

    Value load(Thread thread, Location location, Stamp stamp, Order order);
    void store(Thread thread, Location location, Value value, Order order);
    // Replaces the newest message.
    void replace(Thread thread, Location location, Value value, Order order);
    void fence(Thread thread, Order order);
    // The thread will not read the message it has seen of this location again, if there is a newer one.
    void hurry(Thread thread, Location location);

    static bool acquires(Order order);
    static bool releases(Order order);

    Access read_plain(Thread thread, Epochs& epochs);
    Access write_plain(Thread thread, Epochs& epochs);
    // A write, at a moment that nobody has seen, not even this thread: the last access there may be.
    static constexpr Stamp kFreed = 0xffff;
    Access free_plain(Thread thread, Epochs& epochs);

    // What locks and parkers do: everything before `release` happens before what follows `acquire`.
    void acquire(Thread thread, const View& from) { threads_[thread].current.join(from); }
    void release(Thread thread, View& into);

private:
    struct Message {
        Value value;
        View view;
    };
    struct History {
        std::vector<Message> messages;  // kept between executions: only the first `count` count
        std::size_t count = 0;
        Epochs life;
        bool alive = false;
    };
    struct Views {
        View current;
        View acquired;  // what an acquire fence would learn
        View released;  // what a relaxed store publishes: the view at the last release fence
    };

    void append(Thread thread, Location location, Value value, Order order, Stamp replaced);
    void learn(Thread thread, Location location, Stamp stamp, Order order);
    void tick(Thread thread) { ++threads_[thread].current.clock[thread]; }

    std::array<Views, kMaxThreads> threads_;
    std::array<History, kMaxLocations> locations_;
    std::size_t made_ = 0;
    View total_;  // S so far; its clocks stay zero
};

}  // namespace weft::model
