// Neighbours: the loops that share work, what they share it through, and the memory they hand each other. A loop by
// itself is a group of one. Made before its loops and destroyed after them and after all their threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "scheduler/frame_pool.hpp"
#include "scheduler/group_local.hpp"
#include "scheduler/idle.hpp"
#include "scheduler/inbox.hpp"

namespace weft::scheduler {

class Loop;

class Neighbours {
public:
    // `rounds` is how often an idle loop looks at all its neighbours before it sleeps.
    Neighbours(std::size_t size, std::uint32_t rounds) : size_(size), search_rounds_(rounds), idle_(size) {
        loops_.reserve(size);
    }
    Neighbours(const Neighbours&) = delete;
    Neighbours& operator=(const Neighbours&) = delete;

    // A cross-core wake costs 10 to 27 us one way and a round with its pauses about 0.15 us: 200 rounds search for
    // about as long as a wake would take, which is where searching stops paying.
    static constexpr std::uint32_t kSearchRounds = 200;
    // With more loops than cores a searcher takes the core from the loop that it waits for.
    static constexpr std::uint32_t kSearchRoundsOversubscribed = 1;

    // How many there will be; loops() may still be filling.
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool alone() const { return size_ == 1; }
    [[nodiscard]] std::uint32_t search_rounds() const { return search_rounds_; }
    [[nodiscard]] const std::vector<Loop*>& loops() const { return loops_; }
    [[nodiscard]] Idle& idle() { return idle_; }
    // Stealable work from outside the group; whichever loop looks first takes it.
    [[nodiscard]] Inbox& inbox() { return inbox_; }
    [[nodiscard]] FrameDepot& depot() { return depot_; }
    // What upper rooms keep per group (see GroupLocal).
    [[nodiscard]] GroupSlots& slots() { return slots_; }

    // Before any loop runs. Returns the loop's index.
    std::size_t join(Loop& loop) {
        loops_.push_back(&loop);
        return loops_.size() - 1;
    }

    // In debug mode: nothing has run since all loops together had made so much progress, and that is not told already. The
    // first caller is to tell. Thread: any loop of the group.
    [[nodiscard]] bool first_to_tell_stall(std::uint64_t progress) {
        return told_.exchange(progress, std::memory_order_relaxed) != progress;
    }

    // True for the first loop of the group that closes. Thread: the one that closes it.
    [[nodiscard]] bool start_closing() { return !std::exchange(closing_, true); }

private:
    const std::size_t size_;
    const std::uint32_t search_rounds_;
    FrameDepot depot_;
    Idle idle_;
    alignas(64) Inbox inbox_;
    std::vector<Loop*> loops_;
    bool closing_ = false;
    Atomic<std::uint64_t> told_{0};
    GroupSlots slots_;
};

}  // namespace weft::scheduler
