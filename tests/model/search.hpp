// Search: who answers the explorer's questions: which thread goes on, which message a load reads. Each answer is
// written to the Trail, so that any execution, found however, is replayed by its trail alone.
//
//   DepthFirst   all answers, one execution after the other: exhaustive within the limits
//   Pct          random: threads have priorities, which fall at a few random moments; a defect that needs d ordered
//                moments among k steps of n threads is found with probability >= 1 / (n * k^(d-1)) per execution
//   Replay       the answers of a trail, then always the first
//
// Source: Burckhardt et al. 2010 (PCT); Musuvathi, Qadeer 2007 (bounded preemptions).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "tests/model/trail.hpp"
#include "tests/model/view.hpp"

namespace weft::model {

class Search {
public:
    virtual ~Search() = default;

    // Prepares the next execution; false if there is none.
    virtual bool next() = 0;
    // Returns a number below `count`, which is at least 2.
    std::uint32_t choose(std::uint32_t count);
    // Returns the index of the thread that goes on; there are at least 2 candidates, the running thread first.
    std::uint32_t choose_thread(std::span<const Thread> candidates);

    // Whether the next answer is not in the trail yet.
    [[nodiscard]] virtual bool asks_anew() const { return true; }

    [[nodiscard]] const Trail& trail() const { return trail_; }
    // Whether a question had another number of answers than when it was asked before: the model is not deterministic.
    [[nodiscard]] bool diverged() const { return diverged_; }

protected:
    virtual std::uint32_t answer(std::uint32_t count) = 0;
    virtual std::uint32_t answer(std::span<const Thread> candidates) {
        return answer(static_cast<std::uint32_t>(candidates.size()));
    }

    Trail trail_;
    std::size_t asked_ = 0;
    bool diverged_ = false;

private:
    std::uint32_t record(std::uint32_t count, std::uint32_t chosen);
};

class DepthFirst final : public Search {
public:
    bool next() override;
    [[nodiscard]] bool asks_anew() const override;

private:
    std::uint32_t answer(std::uint32_t count) override;

    bool begun_ = false;
};

class Pct final : public Search {
public:
    // `depth`: how many moments a defect is expected to need; `length`: questions of an execution, guessed.
    Pct(std::uint64_t seed, std::uint32_t depth, std::uint32_t length);
    bool next() override;

private:
    using Search::answer;
    std::uint32_t answer(std::uint32_t count) override;
    std::uint32_t answer(std::span<const Thread> candidates) override;

    std::mt19937_64 random_;
    std::uint32_t depth_;
    std::size_t length_;
    std::array<std::uint32_t, kMaxThreads> priority_{};
    std::vector<std::size_t> falls_;  // at these questions the running thread becomes the least
};

class Replay final : public Search {
public:
    explicit Replay(std::vector<std::uint32_t> answers) : answers_(std::move(answers)) {}
    bool next() override;

private:
    std::uint32_t answer(std::uint32_t count) override;

    std::vector<std::uint32_t> answers_;
    bool begun_ = false;
};

}  // namespace weft::model
