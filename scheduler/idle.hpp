// Idle: which loops sleep and how many search, so that no work is left behind and no herd is woken for one task.
//
// Invariant: if stealable work is visible and no loop searches, then every sleeper either is being woken or will see
// the work when it looks once more. A loop woken by notify counts as searching from that moment, so the next producer
// wakes nobody; the last searcher to find work passes the search on.
//
//     running --start_search--> searching --found, stop_search--> running   (last one: notify another)
//        |                          |
//        |                      announce (searching - 1, sleeping + 1), then look once more, then park
//        '------announce------> sleeping --retract--> running
//                                   '-----notify----> searching (counted by the notifier)
//
// The protocol, as two recipes (the order of the lines is the whole point):
//     producer: make the work visible (seq_cst)         loop: announce (seq_cst RMW)
//               read the word in notify (seq_cst)             look at all queues once more (seq_cst)
//               sleepers and no searcher: wake one            nothing: park
//
// Orderings
//   I1 word: seq_cst RMW in announce, seq_cst load in notify   StoreLoad partners: R3, R4, D4, B2
//   All other accesses of the word are relaxed. It is changed by read-modify-writes alone, so that a notify has either
//   read an announce or what came after it, or comes before that announce in the order of all seq_cst accesses, whatever
//   the changes between them publish: then the look behind the announce sees the producer's work.
//   The list of sleepers is under the mutex; the word is changed under it too, except by start_ and stop_search.
//
// Rejected: a bitmap of sleepers (limits the number of loops); waking one loop per push (a herd).
// Source: tokio runtime/scheduler/multi_thread/idle.rs; Go's proc.go on the submit/park race.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "scheduler/atomic.hpp"

namespace weft::scheduler {

class Idle {
public:
    explicit Idle(std::size_t loops) : loops_(static_cast<std::uint32_t>(loops)) { sleepers_.reserve(loops); }
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;

    // Returns false if half of the loops search already: then go to sleep without searching.
    [[nodiscard]] bool start_search() {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        do {
            if (2 * searching_of(word) >= loops_) return false;
        } while (
            !word_.compare_exchange_weak(word, word + kSearcher, std::memory_order_relaxed, std::memory_order_relaxed));
        return true;
    }

    // The caller found something. Returns true if it was the last one searching: it must call notify.
    [[nodiscard]] bool stop_search() {
        return searching_of(word_.fetch_sub(kSearcher, std::memory_order_relaxed)) == 1;
    }

    enum class From : std::uint8_t { running, searching };

    // The loop is about to sleep. It must look at everything once more before it parks.
    void announce(std::size_t loop, From from) {
        const std::lock_guard lock(mutex_);
        sleepers_.push_back(loop);
        const std::uint64_t change = from == From::searching ? kSleeper - kSearcher : kSleeper;
        word_.fetch_add(change, std::memory_order_seq_cst);  // I1 seq_cst
    }

    enum class [[nodiscard]] Retract : std::uint8_t {
        running,  // it left the sleepers by itself
        searching,  // notify had chosen it: it counts as searching
    };

    // The loop is awake again, for whatever reason.
    Retract retract(std::size_t loop) {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = sleepers_.size(); i-- > 0;) {
            if (sleepers_[i] != loop) continue;
            sleepers_.erase(sleepers_.begin() + static_cast<std::ptrdiff_t>(i));
            word_.fetch_sub(kSleeper, std::memory_order_relaxed);
            return Retract::running;
        }
        return Retract::searching;
    }

    // Stealable work has become visible. Returns the loop to unpark, which now counts as searching; none if nobody
    // sleeps or somebody searches anyway.
    [[nodiscard]] std::optional<std::size_t> notify() {
        if (!wants_waking(word_.load(std::memory_order_seq_cst))) return std::nullopt;  // I1 seq_cst
        const std::lock_guard lock(mutex_);
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        do {
            if (!wants_waking(word)) return std::nullopt;
        } while (!word_.compare_exchange_weak(word, word - kSleeper + kSearcher, std::memory_order_relaxed,
                                              std::memory_order_relaxed));
        const std::size_t chosen = sleepers_.back();  // the last to fall asleep has the warmest cache
        sleepers_.pop_back();
        return chosen;
    }

    [[nodiscard]] std::size_t sleeping() const { return sleeping_of(word_.load(std::memory_order_relaxed)); }
    [[nodiscard]] std::size_t searching() const { return searching_of(word_.load(std::memory_order_relaxed)); }

private:
    static constexpr std::uint64_t kSearcher = 1;
    static constexpr std::uint64_t kSleeper = std::uint64_t{1} << 32;
    static std::uint32_t searching_of(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
    static std::uint32_t sleeping_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
    static bool wants_waking(std::uint64_t word) { return sleeping_of(word) != 0 && searching_of(word) == 0; }

    alignas(64) Atomic<std::uint64_t> word_{0};
    const std::uint32_t loops_;
    Mutex mutex_;
    std::vector<std::size_t> sleepers_;
};

}  // namespace weft::scheduler
