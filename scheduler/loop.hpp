// Loop: one core's event loop. It moves Runnables and knows nothing of what they are. `Loop::run` is the heart; one
// pass of step() is one turn.
//
// Two kinds of ready work: `pinned_`, which only this loop runs, and `ready_`, which neighbours may steal. With one
// loop nothing can be stolen, so everything is pinned and the order is asyncio's: first in, first out. With many, a
// turn takes a snapshot of both and alternates. Branches of fork_join lie in `forks_`, newest first; a turn runs one.
//
// A single ready Runnable is its loop's own: it runs right after the current step. Two tasks that wake each other would
// otherwise travel with each hand-over. A neighbour takes it only if the loop does not come to it, and is woken for it
// only if that has paid off lately: each time in vain doubles the number of singles that are kept quiet.
//
// Invariant: while a loop is parked and nothing was sent to it, it has nothing to do: whoever sends makes the work
// visible first and then reads `parked_`; the loop sets `parked_` first and then looks at everything once more.
//
// Orderings
//   L1 parked: seq_cst store before the last look, seq_cst load after a push   StoreLoad partners: B2, L2, and the
//      inbox and queues that park() looks at; see Idle for the stealable side
//      Of several wakers that have seen it, one takes it back by a relaxed exchange: whoever comes too late for this park
//      came before the last look of the next.
//   L2 stopping: release store, acquire load             what was done before stop() is seen behind run()
//      both seq_cst in stop and in the last look         StoreLoad partner: L1
//   L3 parked: release store (seq_cst for L1), acquire in sleeps_for_good  what the loop did before it slept is seen:
//      timerless, its progress, and what it sent to others
//
// Source: asyncio's BaseEventLoop._run_once; tokio's multi_thread/worker.rs for the search.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "scheduler/atomic.hpp"
#include "scheduler/clock.hpp"
#include "scheduler/fifo.hpp"
#include "scheduler/fork_deque.hpp"
#include "scheduler/frame_pool.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/loop_local.hpp"
#include "scheduler/parker.hpp"
#include "scheduler/ready_queue.hpp"
#include "scheduler/runnable.hpp"
#include "scheduler/shell.hpp"
#include "scheduler/timer.hpp"

namespace weft::scheduler {

class Loop;
class Neighbours;

// The loop whose step runs on this thread, or null. Never to be cached across a suspension.
[[nodiscard]] Loop* current_loop() noexcept;

// Told in debug mode about a Runnable that held up its loop. Set once by sync/, which has a log.
using ReportSlowRunnable = void (*)(const std::string& what, Duration took) noexcept;
extern ReportSlowRunnable report_slow_runnable;

// Returns lines about what waits on the loops of this loop's group, or "". For the text of a Deadlock. Set once by sync/.
using DescribeWaiting = std::string (*)(const Loop& loop);
extern DescribeWaiting describe_waiting;

enum class Affinity : std::uint8_t { stealable, pinned };
enum class [[nodiscard]] Sent : std::uint8_t { sent, closed };

class Loop {
public:
    // A loop by itself.
    explicit Loop(std::unique_ptr<Parker> parker);
    // One of several; `group` outlives it.
    Loop(std::unique_ptr<Parker> parker, Neighbours& group);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    // Closes.
    ~Loop();

    // --- the loop's own thread ---------------------------------------------------------------------------------

    // Runs turns until stop(). Throws what a Runnable handed to interrupt(), after the Runnable that did it.
    void run();

    // The same, but tells `interrupted` what left a turn, and runs on: only stop() ends it.
    using Interrupted = std::function<void(std::exception_ptr)>;
    void run_through(const Interrupted& interrupted);

    // One turn. Thread: one at a time; a simulation steps many loops from one thread.
    void step();

    // Drops what is queued, discards the timers, destroys the slots. Idempotent. Not while running.
    void close();

    // Queues behind what is ready; push_pinned stays on this loop, push may be stolen.
    void push_pinned(Runnable& runnable) { pinned_.push(runnable); }
    void push(Runnable& runnable) { alone_ ? pinned_.push(runnable) : push_stealable(runnable); }

    // A branch of fork_join, newest first. Returns false if there is no room: the caller runs it itself.
    [[nodiscard]] bool push_branch(Runnable& branch) {
        const auto pushed = forks_.push(branch);
        if (pushed == ForkDeque::Push::kept) [[likely]]
            return true;
        if (pushed == ForkDeque::Push::full) return false;
        notify_neighbours();
        return true;
    }
    [[nodiscard]] bool pop_branch(const Runnable& branch) { return forks_.pop_if(branch); }
    // Only if no thief could have it.
    [[nodiscard]] bool pop_private_branch(const Runnable& branch) { return forks_.pop_private_if(branch); }

    // True about every 500 us of pure forking, and then only if something else wants this loop: I/O, a timer or a
    // ready Runnable. The caller suspends, so that the loop can turn.
    [[nodiscard]] bool fork_must_yield() {
        if (--forks_until_glance_ != 0) [[likely]]
            return false;
        return glance_from_fork();
    }

    void arm(Timer& timer, TimePoint deadline) { timers_.arm(timer, deadline); }
    bool disarm(Timer& timer) noexcept { return timers_.disarm(timer); }
    [[nodiscard]] std::size_t armed_timers() const { return timers_.size(); }

    // Leaves run() by this exception after the current Runnable; the rest of its batch stays queued.
    void interrupt(std::exception_ptr exception) noexcept;

    [[nodiscard]] FramePool& frames() { return frames_; }
    [[nodiscard]] LoopSlots& slots() { return slots_; }

    // Every free choice (a victim, an order) comes from here: 0 <= result < n.
    [[nodiscard]] std::uint32_t choose(std::uint32_t n);

    // --- any thread --------------------------------------------------------------------------------------------

    // Work for this very loop. Thread: of the group; others go through schedule() and its Shell.
    Sent post(Runnable& runnable);

    // Stealable work for the whole group. Thread: any that keeps the group alive.
    Sent inject(Runnable& runnable);

    // A thread is about to call run(): until it has ended the loop counts as running.
    void expect_run() { running_.store(true, std::memory_order_relaxed); }

    // Ends run() after the turn in which it is seen. Thread: of the group, or a visitor.
    void stop();
    [[nodiscard]] bool stopping() const { return stopping_.load(std::memory_order_acquire); }  // L2 acquire

    void unpark();

    [[nodiscard]] TimePoint now() const { return parker_->now(); }
    [[nodiscard]] Shell& shell() const { return *shell_; }
    [[nodiscard]] Neighbours& group() const { return group_; }
    [[nodiscard]] std::size_t index() const { return index_; }
    [[nodiscard]] bool alone() const { return alone_; }
    [[nodiscard]] bool closed() const { return closed_.load(std::memory_order_relaxed); }
    // It sleeps, or is about to: a hint that may be old.
    [[nodiscard]] bool parked() const { return parked_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool running() const { return running_.load(std::memory_order_relaxed); }
    [[nodiscard]] Parker& parker() const { return *parker_; }
    // What the Parker is made of, for the room that made it; null for a plain one.
    [[nodiscard]] void* native() const { return native_; }

    // Parks that ended by their safety limit although work was there and nobody was on the way to it: lost wake-ups. Stays
    // 0. Without bound_parks() a loop sleeps without a limit.
    [[nodiscard]] std::uint64_t rescues() const { return rescues_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t steals() const { return steals_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t parks() const { return parks_.load(std::memory_order_relaxed); }
    // So much time of a core, not of the clock, is `patience`: a loop that its limit has woken waits for others with it.
    void bound_parks(Duration limit, Duration patience = std::chrono::milliseconds(50)) {
        park_limit_ = limit;
        patience_ = patience;
    }
    // It sleeps, without a timer, and nothing was sent to it: what it did before it slept is seen.
    [[nodiscard]] bool sleeps_for_good();
    // Turns of debug mode in which something ran.
    [[nodiscard]] std::uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }

    // In debug mode each Runnable is timed, and one that takes as long as the limit is told to report_slow_runnable.
    // Thread: any; seen at the next turn.
    void set_debug(bool debug) { debug_.store(debug, std::memory_order_relaxed); }
    [[nodiscard]] bool debug() const { return debug_.load(std::memory_order_relaxed); }
    void set_slow_limit(Duration limit) { slow_limit_.store(limit, std::memory_order_relaxed); }
    [[nodiscard]] Duration slow_limit() const { return slow_limit_.load(std::memory_order_relaxed); }

private:
    class Current;
    class Running;

    Loop(std::unique_ptr<Parker> parker, std::unique_ptr<Neighbours> own_group, Neighbours* group);

    [[nodiscard]] bool has_ready() const {
        return !pinned_.empty() || (!alone_ && (!ready_.empty() || !forks_.empty()));
    }
    [[nodiscard]] bool anything_visible() const;
    [[nodiscard]] bool forgotten() const;

    enum class Turns : std::uint8_t { one, many };

    // One turn; or more, for as long as nothing but ready Runnables wants the loop.
    template <Turns kTurns>
    void turn();
    void take_inboxes();
    void take_injected();
    void find_work();
    bool steal_once();
    void leave_search();
    void listen();
    void park();
    template <Turns kTurns>
    void run_batch();
    template <void (Loop::*RunOne)(Runnable&) noexcept>
    void run_pinned();
    void run_pinned_turns();
    template <void (Loop::*RunOne)(Runnable&) noexcept>
    void run_pinned_and_ready();
    void run_one(Runnable& runnable) noexcept;
    void run_one_timed(Runnable& runnable) noexcept;
    void push_stealable(Runnable& runnable) noexcept;
    void notify_neighbours();
    void notify_of_single();
    void give_ready_away();
    bool glance_from_fork();
    [[nodiscard]] bool drop_queued() noexcept;

    // Ready work runs this many Runnables between two glances at the Parker: a poll is a system call, and 61 (Go's
    // and tokio's figure) keeps it under 3 ns each while an event waits a few microseconds.
    static constexpr std::int32_t kRunnablesPerGlance = 61;
    static constexpr std::uint32_t kMostQuiet = 255;
    // A thief that comes for each Runnable by itself takes the queue's cache lines from an owner that pushes one after the
    // other: after a catch as small as this it waits twice as long, up to some 5 us.
    static constexpr std::size_t kSmallCatch = 16;
    static constexpr std::uint32_t kMostPause = 31;
    // About 500 us of fib; a prime, so that it falls in with no recursion's period.
    static constexpr std::uint32_t kForksPerGlance = 65521;

    std::unique_ptr<Neighbours> own_group_;  // of a loop by itself
    Neighbours& group_;
    FramePool frames_;
    const PooledShell shell_;  // outlives the Parker, whose handlers may know it
    const std::unique_ptr<Parker> parker_;
    void* const native_;
    const bool alone_;
    const std::size_t index_;

    Fifo pinned_;
    TimerQueue timers_;
    std::int32_t until_glance_ = kRunnablesPerGlance;  // less than 0 at the end of a long batch
    std::uint32_t forks_until_glance_ = kForksPerGlance;
    std::uint32_t search_budget_;  // rounds; what the group allows after a success, halved by each failure
    std::uint32_t choice_state_;
    std::uint32_t quiet_ = 0;  // so many singles more are not told
    std::uint32_t quiet_next_ = 0;
    std::uint32_t pause_ = 0;  // so long before the next theft
    bool searching_ = false;
    bool interrupted_ = false;
    std::exception_ptr interruption_;
    std::optional<Duration> park_limit_;
    Duration patience_{};
    Atomic<Duration> slow_limit_{std::chrono::milliseconds(100)};
    Atomic<bool> debug_{false};
    Atomic<bool> timerless_{false};
    LoopSlots slots_;

    ForkDeque forks_;
    ReadyQueue ready_;
    alignas(64) Inbox inbox_;
    Atomic<bool> parked_{false};
    Atomic<bool> stopping_{false};
    Atomic<bool> running_{false};
    Atomic<bool> closed_{false};
    Atomic<bool> stolen_from_{false};
    Atomic<std::uint64_t> rescues_{0};
    Atomic<std::uint64_t> steals_{0};
    Atomic<std::uint64_t> parks_{0};
    Atomic<std::uint64_t> progress_{0};
};

namespace detail {
inline thread_local constinit Loop* current = nullptr;
}

inline Loop* current_loop() noexcept { return detail::current; }

}  // namespace weft::scheduler
