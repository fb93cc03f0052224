// How a Loop sleeps, and what it looks at before and after. The invariant and the orderings (L1, L3) stand in loop.hpp, those
// of the stealable side in idle.hpp.
#include <time.h>

#include <thread>

#include "scheduler/loop.hpp"
#include "scheduler/neighbours.hpp"
#include "scheduler/stall.hpp"

namespace weft::scheduler {

namespace {

Duration cpu_time_of_this_thread() {
    timespec time{};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

void Loop::park() {
    std::optional<TimePoint> deadline = timers_.next_deadline();
    if (deadline && *deadline <= parker_->now()) {
        parker_->poll();
        return;
    }
    bool bounded = false;
    if (park_limit_) {
        const TimePoint limit = parker_->now() + *park_limit_;
        bounded = !deadline || limit < *deadline;
        if (bounded) deadline = limit;
    }

    timerless_.store(timers_.empty(), std::memory_order_relaxed);  // L3
    parked_.store(true, std::memory_order_seq_cst);  // L1 seq_cst
    if (!alone_) {
        group_.idle().announce(index_, searching_ ? Idle::From::searching : Idle::From::running);
        searching_ = false;
    }
    struct Awake {  // also when the Parker throws
        Loop& loop;
        bool goes_on = false;
        ~Awake() {
            loop.parked_.store(false, std::memory_order_relaxed);
            if (loop.alone_) return;
            // Producers woke nobody while it searched: if its last look finds something, it takes up the search again, so
            // that it passes it on before it runs what may be long and its own.
            Idle& idle = loop.group_.idle();
            loop.searching_ = idle.retract(loop.index_) == Idle::Retract::searching || (goes_on && idle.start_search());
            // Half of them search, and whoever is to pass the search on may be waiting for this core.
            if (goes_on && !loop.searching_) std::this_thread::yield();
        }
    } awake{*this};
    awake.goes_on = anything_visible();
    if (awake.goes_on) return;
    parks_.store(parks_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    pause_ = 0;
    parker_->park_until(deadline);
    until_glance_ = kRunnablesPerGlance;
    if (!bounded || !parked_.load(std::memory_order_relaxed) || parker_->now() < *deadline) return;
    if (has_ready()) return;  // the Parker itself has brought something
    if (anything_visible()) {
        if (forgotten()) rescues_.store(rescues_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    } else if (debug() && timers_.empty()) {
        look_for_stall(*this);
    }
}

// By a compare-exchange, which cannot read what was so before the last wake-up.
bool Loop::sleeps_for_good() {
    bool parked = true;
    return parked_.compare_exchange_strong(parked, true, std::memory_order_acquire,  // L3 acquire
                                           std::memory_order_relaxed) &&
           timerless_.load(std::memory_order_relaxed) && inbox_.empty();  // L3
}

// The last look before sleeping.
bool Loop::anything_visible() const {
    if (!inbox_.empty() || stopping_.load(std::memory_order_seq_cst)) return true;
    if (alone_) return false;
    if (!group_.inbox().empty()) return true;
    for (const Loop* neighbour : group_.loops()) {
        if (neighbour->ready_.has_spare() || neighbour->forks_.has_public()) return true;
    }
    return false;
}

// A wake-up is lost only if none is on its way. Who is to wake this loop, or searches for what it sees, may be waiting for a
// core, on a busy machine for longer than the park's limit; when this thread has had one for as long as its patience, so
// have they, most likely. What may be stolen is theirs until nobody falls asleep, wakes or searches any longer.
bool Loop::forgotten() const {
    const Idle& idle = group_.idle();
    const std::size_t sleeping = idle.sleeping();
    const std::size_t searching = idle.searching();
    const Duration end = cpu_time_of_this_thread() + patience_;
    do {
        std::this_thread::yield();
        spin_hint();
        if (!parked() || !anything_visible()) return false;
        if (inbox_.empty() && !stopping() && (idle.sleeping() != sleeping || idle.searching() != searching))
            return false;
    } while (cpu_time_of_this_thread() < end);
    return true;
}

}  // namespace weft::scheduler
