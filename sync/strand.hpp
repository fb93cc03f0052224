// Strand: the piece of code that runs on this thread, timed. Tally: what the strands of a branch have come to.
//
// A strand is code between a fork, a join and the end of a branch. Work is the sum of all strands; span is the longest
// chain of strands of which each must wait for the one before. Both are kept relative to the beginning of a branch and
// are put together at its join:
//
//     fork_join --close--> [branch 0: work 5, span 3] --.
//               '--------> [branch 1: work 4, span 4] --+--> the forking branch: work + 9, span + 4 = max(3, 4)
//
// Invariant: at most one strand is open on a thread, in `Current`; its tally is written by that thread only. A tally
// passes to another thread as the branch does: by the theft and the queues to who runs it, and by the join to the
// parent (J1 in branch.hpp), which therefore adds up its branches without an atomic operation.
//
// A strand is closed before the task that it belongs to can be resumed elsewhere, and opened again when it is: time
// spent suspended, queued or stolen is no work and not on the span. An interval is what the clock says minus its cost,
// which may be less than nothing for one; sums are right on average and cut off at zero only in the report. From a long
// one the time is taken off that its thread was off the core: one such strand in a million would make the span.
//
// Rejected: prefixes instead of spans (a child would have to know its parent's at the fork, and two threads would meet
// there); a clock read at each end of each strand (twice the cost; here the end of one is the beginning of the next).
// Source: Cilkview (He, Leiserson, Leiserson 2010), Cilkscale (Schardl et al.).
#pragma once

#include <cstdint>

#include "sync/strand_clock.hpp"

namespace weft::sync {

// In ticks of the StrandClock.
struct Tally {
    std::int64_t work = 0;
    std::int64_t span = 0;
    std::int64_t burdened_span = 0;  // as if every branch but the first of each fork_join were stolen
    std::uint64_t forks = 0;
    std::uint64_t strands = 0;

    void add(std::int64_t ticks) noexcept {
        work += ticks;
        span += ticks;
        burdened_span += ticks;
    }

    // All of these have ended. A forking strand is followed by another one.
    template <class TallyOf>
    void join(std::uint32_t count, std::int64_t burden, TallyOf&& tally_of) noexcept {
        std::int64_t longest = 0;
        std::int64_t longest_burdened = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            const Tally& branch = tally_of(i);
            work += branch.work;
            forks += branch.forks;
            strands += branch.strands;
            const std::int64_t burdened = branch.burdened_span + (i == 0 ? 0 : burden);
            if (i == 0 || branch.span > longest) longest = branch.span;
            if (i == 0 || burdened > longest_burdened) longest_burdened = burdened;
        }
        span += longest;
        burdened_span += longest_burdened;
        ++forks;
        ++strands;
    }
};

class Strand {
public:
    // Where the running code is counted; null outside of branches.
    [[nodiscard]] Tally* tally() const noexcept { return tally_; }

    // A step begins: as open, and the thread may have slept since the last one.
    void begin_step(Tally* tally, const StrandClock& clock = strand_clock()) noexcept {
        if (tally != nullptr) mark_core(clock);
        open(tally, clock);
    }

    // None is open.
    void open(Tally* tally, const StrandClock& clock = strand_clock()) noexcept {
        tally_ = tally;
        if (tally == nullptr) return;
        if (tally->strands == 0) tally->strands = 1;
        begin_ = clock.read();
    }

    // Closes what is open.
    void close(const StrandClock& clock = strand_clock()) noexcept {
        if (tally_ == nullptr) return;
        add_until(clock.read(), clock);
        tally_ = nullptr;
    }

    // Both at the same moment: `next` begins.
    void switch_to(Tally& next, const StrandClock& clock = strand_clock()) noexcept {
        if (tally_ == nullptr) mark_core(clock);
        const std::int64_t now = clock.read();
        if (tally_ != nullptr) add_until(now, clock);
        tally_ = &next;
        next.strands = 1;
        begin_ = now;
    }

private:
    void add_until(std::int64_t now, const StrandClock& clock) noexcept {
        std::int64_t ticks = now - begin_;
        if (ticks >= clock.suspicious) [[unlikely]]
            ticks -= off_core(now, ticks, clock);
        tally_->add(ticks - clock.cost);
    }

    // Notes what this thread has had of a core up to now.
    static void mark_core(const StrandClock& clock) noexcept;
    // How much of these `ticks` up to now it had none. Since the last mark it was interrupted here, if anywhere: in a step
    // nothing else takes so long.
    static std::int64_t off_core(std::int64_t now, std::int64_t ticks, const StrandClock& clock) noexcept;

    Tally* tally_ = nullptr;
    std::int64_t begin_ = 0;
};

}  // namespace weft::sync
