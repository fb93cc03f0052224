// Runnable: a link and one function. It is all that scheduler/ knows of what it moves: the only call upwards.
//
// Invariant: a Runnable is in at most one queue at a time, and `next_` belongs to that queue. Whoever takes it out
// must run it or queue it again; nothing is ever dropped without being told so through `Loop::close`.
#pragma once

#include <string>

namespace weft::scheduler {

class Runnable {
public:
    // Thread: a loop's own. Called once for each time it was queued.
    virtual void run() noexcept = 0;

    // Called instead of run() when the loop closes with the Runnable still queued.
    virtual void drop() noexcept = 0;

    // Says what it is, for a report. Thread: the loop's own, before run().
    [[nodiscard]] virtual std::string describe() const { return "an entry of the loop"; }

    Runnable* next_;

protected:
    Runnable() {}  // next_ is set by whoever queues it
    Runnable(const Runnable&) = delete;
    Runnable& operator=(const Runnable&) = delete;
    ~Runnable() = default;
};

}  // namespace weft::scheduler
