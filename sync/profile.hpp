// profile: how much of a fork_join computation can run at the same time: its work, its span and what speed-up they
// allow. Off by default, and free when off: only a build with CMake's -DWEFT_PROFILE=ON has it.
//
//     const auto [value, profile] = co_await weft::profile(fib(30));
//     std::printf("parallelism %.1f, on 8 cores %.1f to %.1f times as fast\n", profile.parallelism(),
//                 profile.speed_up(8).least, profile.speed_up(8).most);
//
// A strand is code between a fork, a join and the end of a branch. Work is the time of all strands together: what one
// core needs. Span is the longest chain of strands that must follow one another: what no number of cores can beat.
//
// Invariant: the figures are those of the computation and not of the run: the same on any number of loops and whatever
// was stolen, but for how long the strands took. So profile on one loop and read what eight would bring: loops that
// share a cache or the memory's bandwidth slow each other's strands down.
//
// Counted is what runs in the computation's own branches, and in coroutines that they await directly. Not counted, in
// the work or in the span: time suspended, queued, or spent by a thief on its way; tasks that a branch creates, gathers
// or awaits, and other threads, except for an eager task's first step. A computation that waits for them may have less
// speed-up than its figures allow.
//
// How exact: strands are timed by the processor's time stamp counter (the steady clock where there is none that can be
// trusted), about 10 ns a reading; what the profiler itself takes is measured once and subtracted from every strand.
// Strands of a few nanoseconds, as fib's, come out right to a third or so; from a microsecond on to a few per cent. From
// strands of 20 us and more the time is taken off that their thread was off the core; shorter interruptions stay, so a
// span of microseconds is an upper bound.
//
// Source: Cilkview and Cilkscale; see strand.hpp.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

#include "sync/awaitable.hpp"
#include "sync/branch.hpp"
#include "sync/coro.hpp"
#include "sync/fork_join.hpp"
#include "sync/when_profiled.hpp"

namespace weft {

// How many times as fast as on one core. `least` supposes that every branch that may be stolen is, and that each theft
// costs what burdened_span says; below 1, the branches are too small to be worth a core.
struct SpeedUp {
    double least;
    double most;
};

// Thread: any.
struct Profile {
    std::chrono::nanoseconds work{0};  // of all strands
    std::chrono::nanoseconds span{0};  // of the longest chain of them; at most the work
    // The same with 5 us on each path through a branch that may be stolen: all but the first of a fork_join.
    std::chrono::nanoseconds burdened_span{0};
    std::uint64_t forks = 0;  // fork_joins of at least one branch
    std::uint64_t strands = 0;  // one for each branch that began, one after each join

    // Returns work / span, at least 1: how many cores could be busy at once, on average.
    [[nodiscard]] double parallelism() const noexcept;

    // Returns the bounds for a greedy scheduler on so many cores: at most min(cores, parallelism); at least work /
    // ((work - span) / cores + burdened_span), which is Brent's bound with the burden of stealing.
    // Throws std::invalid_argument if cores < 1.
    [[nodiscard]] SpeedUp speed_up(int cores) const;
};

// What a profiled computation returned, std::monostate for void, and its profile.
template <class T>
struct Profiled {
    sync::NonVoid<T> value;
    Profile profile;
};

namespace sync {

[[nodiscard]] Profile read_tally(const Tally& tally);

// A fork_join of the one branch whose tally is the profile.
template <class T>
class ProfileJoin : public ForkJoinBase {
public:
    explicit ProfileJoin(Coro<T>& coro) : ForkJoinBase(&root_, 1), root_(coro.give_away(), join_, true) {}

    Profiled<T> await_resume() {
        check_cancelled();
        Profiled<T> profiled{take_result<T>(root_.root()), read_tally(root_.tally())};
        check_swallowed();
        return profiled;
    }

private:
    Branch root_;
};

template <class T>
Coro<Profiled<T>> run_profiled(Coro<T> coro) {
    ProfileJoin<T> join(coro);
    co_return co_await join;
}

}  // namespace sync

// Returns, when awaited, what the computation returned and its profile; throws what it threw, and then there is none.
// In a build without the profiler a call does not compile; a program that is to build both ways asks `#if WEFT_PROFILE`.
// Throws InvalidStateError now for an empty Coro. Cancel: as fork_join. Thread: the loops that run the computation; a
// profile may be taken inside another one, which counts it as a fork_join of one branch.
// Cost: about 10 ns at each fork, end of a branch and join, of every fork_join in the program, and 2 ms once.
template <class T>
[[nodiscard]] Coro<Profiled<T>> profile(Coro<T> coro) {
    static_assert(kProfiled || sync::kRejected<T>,
                  "weft::profile: this build has no profiler: configure weft with -DWEFT_PROFILE=ON");
    if constexpr (kProfiled) {
        if (!coro) (void)coro.give_away();  // throws
        sync::start_strand_clock();
        return sync::run_profiled(std::move(coro));
    }
}

}  // namespace weft
