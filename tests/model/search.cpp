#include "tests/model/search.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weft::model {

std::uint32_t Search::choose(std::uint32_t count) { return record(count, answer(count)); }

std::uint32_t Search::choose_thread(std::span<const Thread> candidates) {
    return record(static_cast<std::uint32_t>(candidates.size()), answer(candidates));
}

std::uint32_t Search::record(std::uint32_t count, std::uint32_t chosen) {
    if (chosen >= count) {
        diverged_ = true;
        chosen = 0;
    }
    if (asks_anew()) trail_.push({count, chosen});
    ++asked_;
    return chosen;
}

bool DepthFirst::next() {
    asked_ = 0;
    return !std::exchange(begun_, true) || trail_.advance();
}

bool DepthFirst::asks_anew() const { return asked_ == trail_.size(); }

std::uint32_t DepthFirst::answer(std::uint32_t count) {
    if (asked_ == trail_.size()) return 0;
    if (trail_[asked_].count != count) diverged_ = true;
    return trail_[asked_].chosen;
}

Pct::Pct(std::uint64_t seed, std::uint32_t depth, std::uint32_t length)
    : random_(seed), depth_(depth), length_(length) {}

bool Pct::next() {
    length_ = std::max(length_, asked_);
    asked_ = 0;
    trail_.clear();
    std::iota(priority_.begin(), priority_.end(), depth_);
    std::shuffle(priority_.begin(), priority_.end(), random_);
    falls_.clear();
    for (std::uint32_t i = 1; i < depth_; ++i) falls_.push_back(random_() % length_);
    return true;
}

std::uint32_t Pct::answer(std::uint32_t count) { return static_cast<std::uint32_t>(random_() % count); }

std::uint32_t Pct::answer(std::span<const Thread> candidates) {
    const auto higher = [this](Thread a, Thread b) { return priority_[a] < priority_[b]; };
    const auto greatest = [&] { return std::max_element(candidates.begin(), candidates.end(), higher); };
    for (std::size_t i = 0; i < falls_.size(); ++i) {
        if (falls_[i] == asked_) priority_[*greatest()] = static_cast<std::uint32_t>(i);
    }
    return static_cast<std::uint32_t>(greatest() - candidates.begin());
}

bool Replay::next() {
    asked_ = 0;
    return !std::exchange(begun_, true);
}

std::uint32_t Replay::answer(std::uint32_t) { return asked_ < answers_.size() ? answers_[asked_] : 0; }

}  // namespace weft::model
