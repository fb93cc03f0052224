#include "scheduler/loop.hpp"

#include <algorithm>
#include <utility>

#include "scheduler/neighbours.hpp"

namespace weft::scheduler {

constinit ReportSlowRunnable report_slow_runnable = [](const std::string&, Duration) noexcept {};
constinit DescribeWaiting describe_waiting = [](const Loop&) { return std::string(); };

// The thread's current loop for the time of a step; nested steps of different loops are legal in a simulation only.
class Loop::Current {
public:
    explicit Current(Loop& loop) : previous_(std::exchange(detail::current, &loop)) {}
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() { detail::current = previous_; }

private:
    Loop* previous_;
};

Loop::Loop(std::unique_ptr<Parker> parker) : Loop(std::move(parker), std::make_unique<Neighbours>(1, 0), nullptr) {}

Loop::Loop(std::unique_ptr<Parker> parker, Neighbours& group) : Loop(std::move(parker), nullptr, &group) {}

Loop::Loop(std::unique_ptr<Parker> parker, std::unique_ptr<Neighbours> own_group, Neighbours* group)
    : own_group_(std::move(own_group)),
      group_(own_group_ ? *own_group_ : *group),
      frames_(group_.depot()),
      parker_(std::move(parker)),
      native_(parker_->native()),
      alone_(group_.alone()),
      index_(group_.join(*this)),
      search_budget_(group_.search_rounds()),
      choice_state_(static_cast<std::uint32_t>(2654435761U * (index_ + 1))) {
    if (!alone_) forks_.set_hungry();  // the neighbours start with nothing to do
    shell_->open(*this, group_);       // last: visitors come at once
}

Loop::~Loop() { close(); }

class Loop::Running {
public:
    explicit Running(Loop& loop) : loop_(loop) { loop_.running_.store(true, std::memory_order_relaxed); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        if (loop_.searching_) loop_.leave_search();  // a loop that stands still keeps nobody from being woken
        if (!loop_.alone_) loop_.give_ready_away();
        loop_.stopping_.store(false, std::memory_order_relaxed);
        loop_.running_.store(false, std::memory_order_relaxed);
    }

private:
    Loop& loop_;
};

void Loop::run() {
    const Running running(*this);
    const Current current(*this);
    do {  // this is the event loop; a stop() before run() still makes one turn
        turn<Turns::many>();
    } while (!stopping());
}

void Loop::run_through(const Interrupted& interrupted) {
    const Running running(*this);
    const Current current(*this);
    do {
        try {
            turn<Turns::many>();
        } catch (...) {
            interrupted(std::current_exception());
        }
    } while (!stopping());
}

void Loop::step() {
    const Current current(*this);
    turn<Turns::one>();
}

template <Loop::Turns kTurns>
inline void Loop::turn() {
    take_inboxes();
    if (!has_ready()) find_work();
    listen();
    if (!timers_.empty()) timers_.fire_due(parker_->now());
    run_batch<kTurns>();
    if (interruption_) [[unlikely]] {
        interrupted_ = false;
        std::rethrow_exception(std::exchange(interruption_, nullptr));
    }
}

inline void Loop::take_inboxes() {
    if (!inbox_.empty()) [[unlikely]]
        inbox_.take_all(pinned_);
    if (!alone_ && !group_.inbox().empty()) [[unlikely]]
        take_injected();
}

void Loop::take_injected() {
    Fifo injected;
    if (!group_.inbox().take_all(injected)) return;
    while (Runnable* runnable = injected.pop()) ready_.push(*runnable);
    notify_neighbours();
}

// Nothing is ready here: looks at the neighbours for a bounded while.
void Loop::find_work() {
    if (alone_ || stopping()) return;
    for (std::uint32_t i = 0; i < pause_; ++i) {
        if (!inbox_.empty() || !group_.inbox().empty()) return take_inboxes();
        for (int j = 0; j < 4; ++j) spin_hint();
    }
    if (!searching_) searching_ = group_.idle().start_search();
    if (!searching_) return;
    for (std::uint32_t round = 0; round < search_budget_; ++round) {
        if (steal_once()) {
            search_budget_ = group_.search_rounds();
            return;
        }
        if (!inbox_.empty() || !group_.inbox().empty()) return take_inboxes();
        for (int i = 0; i < 8; ++i) spin_hint();
    }
    // In vain: a loop whose neighbours have nothing to share (pinned work, I/O) soon looks once and sleeps.
    search_budget_ = search_budget_ / 2 + 1;
}

bool Loop::steal_once() {
    const auto& loops = group_.loops();
    const auto count = static_cast<std::uint32_t>(loops.size());
    const std::uint32_t first = choose(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        Loop& victim = *loops[(first + i) % count];
        if (&victim == this) continue;
        Runnable* stolen = nullptr;
        if (victim.ready_.has_spare() || victim.ready_.has_settled_single()) {
            stolen = victim.ready_.steal(ready_);
            if (stolen != nullptr)
                pause_ = ready_.size() < kSmallCatch ? std::min(2 * pause_ + 1, kMostPause) : pause_ / 2;
        }
        if (stolen == nullptr) {
            stolen = victim.forks_.steal();
            if (stolen == nullptr) continue;
            pause_ = 0;
        }
        if (!victim.stolen_from_.load(std::memory_order_relaxed))
            victim.stolen_from_.store(true, std::memory_order_relaxed);
        steals_.store(steals_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        pinned_.push(*stolen);  // it runs in this very turn: not to be stolen again
        return true;
    }
    return false;
}

// The loop has something to run: it no longer counts as searching, and the last searcher passes the search on.
void Loop::leave_search() {
    searching_ = false;
    if (group_.idle().stop_search()) notify_neighbours();
}

inline void Loop::listen() {
    const bool stops = stopping();
    if (!stops && !has_ready()) {
        park();
    } else if (stops || until_glance_ <= 0) {
        until_glance_ = kRunnablesPerGlance;
        parker_->poll();
    }
}

template <Loop::Turns kTurns>
inline void Loop::run_batch() {
    if (kTurns == Turns::many && alone_ && !debug()) [[likely]]
        return run_pinned_turns();
    if (searching_ && has_ready()) leave_search();
    if (debug()) [[unlikely]] {
        if (has_ready()) progress_.store(progress_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        alone_ ? run_pinned<&Loop::run_one_timed>() : run_pinned_and_ready<&Loop::run_one_timed>();
    } else {
        alone_ ? run_pinned<&Loop::run_one>() : run_pinned_and_ready<&Loop::run_one>();
    }
}

template <void (Loop::*RunOne)(Runnable&) noexcept>
inline void Loop::run_pinned() {
    for (std::size_t left = pinned_.size(); left != 0 && !interrupted_; --left) (this->*RunOne)(pinned_.take());
}

// A turn that would find no message, no timer and no event due is its batch alone.
inline void Loop::run_pinned_turns() {
    do {
        run_pinned<&Loop::run_one>();
    } while (!pinned_.empty() && !interrupted_ && until_glance_ > 0 && timers_.empty() && inbox_.empty() &&
             !stopping() && !debug());
}

template <void (Loop::*RunOne)(Runnable&) noexcept>
void Loop::run_pinned_and_ready() {
    std::size_t pinned = pinned_.size();
    std::size_t ready = ready_.size();
    while ((pinned != 0 || ready != 0) && !interrupted_) {
        if (pinned != 0) {
            --pinned;
            (this->*RunOne)(pinned_.take());
        }
        if (ready != 0 && !interrupted_) {
            --ready;
            if (Runnable* runnable = ready_.pop()) {
                if (ready_.has_published()) [[unlikely]]
                    notify_neighbours();
                (this->*RunOne)(*runnable);
            } else {
                ready = 0;  // the rest was stolen
            }
        }
    }
    if (interrupted_) return;
    if (Runnable* branch = forks_.pop()) (this->*RunOne)(*branch);
}

inline void Loop::run_one(Runnable& runnable) noexcept {
    --until_glance_;
    runnable.run();
}

void Loop::run_one_timed(Runnable& runnable) noexcept {
    const TimePoint begin = now();
    const std::string what = runnable.describe();  // first: it may not outlive its run
    run_one(runnable);
    const Duration took = now() - begin;
    if (took >= slow_limit()) report_slow_runnable(what, took);
}

std::uint32_t Loop::choose(std::uint32_t n) {
    choice_state_ ^= choice_state_ << 13;
    choice_state_ ^= choice_state_ >> 17;
    choice_state_ ^= choice_state_ << 5;
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(choice_state_) * n) >> 32);
}

void Loop::interrupt(std::exception_ptr exception) noexcept {
    interrupted_ = true;
    interruption_ = std::move(exception);
}

bool Loop::glance_from_fork() {
    forks_until_glance_ = kForksPerGlance;
    parker_->poll();
    if (!timers_.empty()) timers_.fire_due(parker_->now());
    take_inboxes();
    return !pinned_.empty() || !ready_.empty();
}

void Loop::push_stealable(Runnable& runnable) noexcept {
    ready_.push(runnable);
    if (ready_.has_spare()) {
        notify_neighbours();
    } else if (quiet_ != 0) {
        --quiet_;
    } else {
        notify_of_single();
    }
}

void Loop::notify_neighbours() {
    if (const auto sleeper = group_.idle().notify()) group_.loops()[*sleeper]->unpark();
}

// Nobody looks after what only this loop would have run next.
void Loop::give_ready_away() {
    bool any = false;
    while (Runnable* runnable = ready_.pop()) {
        any = true;
        if (group_.inbox().push(*runnable) == Inbox::Push::closed) runnable->drop();
    }
    if (any) notify_neighbours();
}

void Loop::notify_of_single() {
    const auto sleeper = group_.idle().notify();
    if (!sleeper) return;
    group_.loops()[*sleeper]->unpark();
    if (*sleeper == index_) return;  // an event woke it while it was parked: nobody else was asked
    if (stolen_from_.load(std::memory_order_relaxed)) {
        stolen_from_.store(false, std::memory_order_relaxed);
        quiet_next_ = 0;
    }
    quiet_ = quiet_next_;
    quiet_next_ = std::min(2 * quiet_next_ + 1, kMostQuiet);
}

Sent Loop::post(Runnable& runnable) {
    if (inbox_.push(runnable) == Inbox::Push::closed) return Sent::closed;
    unpark();
    return Sent::sent;
}

Sent Loop::inject(Runnable& runnable) {
    if (alone_) return post(runnable);
    if (group_.inbox().push(runnable) == Inbox::Push::closed) return Sent::closed;
    notify_neighbours();
    return Sent::sent;
}

void Loop::stop() {
    stopping_.store(true, std::memory_order_seq_cst);  // L2 release; seq_cst for L1
    unpark();
}

void Loop::unpark() {
    if (!parked_.load(std::memory_order_seq_cst)) return;  // L1 seq_cst
    if (parked_.exchange(false, std::memory_order_relaxed)) parker_->unpark();  // one of many wakers
}

void Loop::close() {
    if (closed()) return;
    closed_.store(true, std::memory_order_relaxed);
    shell_->close();
    const Current current(*this);
    inbox_.close(pinned_);
    // What one loop made may have been stolen into the queues of another: all are emptied before the first slot, which
    // owns what was queued, is destroyed.
    if (group_.start_closing()) {
        group_.inbox().close(pinned_);
        for (Loop* neighbour : group_.loops()) {
            if (neighbour == this || neighbour->running()) continue;
            (void)neighbour->inbox_.take_all(neighbour->pinned_);
            (void)neighbour->drop_queued();
        }
    }
    // What is dropped may complete futures whose waiters are queued here in turn.
    do {
        timers_.discard_all();
    } while (drop_queued());
    slots_.clear();
    while (drop_queued()) timers_.discard_all();
}

bool Loop::drop_queued() noexcept {
    bool any = false;
    const auto drop = [&any](Runnable* runnable) {
        runnable->drop();
        any = true;
    };
    while (Runnable* runnable = pinned_.pop()) drop(runnable);
    while (Runnable* runnable = ready_.pop()) drop(runnable);
    while (Runnable* runnable = forks_.pop()) drop(runnable);
    return any;
}

}  // namespace weft::scheduler
