#include "scheduler/timer.hpp"

#include <utility>

namespace weft::scheduler {

namespace {
// Below this a heap full of holes costs less than looking for them.
constexpr std::size_t kFewHoles = 64;
}  // namespace

void TimerQueue::arm(Timer& timer, TimePoint deadline) {
    heap_.push_back(Entry{deadline, next_order_++, &timer});
    timer.position_ = heap_.size() - 1;
    ++armed_;
    sift_up(heap_.size() - 1);
}

bool TimerQueue::disarm(Timer& timer) noexcept {
    if (!timer.armed()) return false;
    heap_[timer.position_].timer = nullptr;
    timer.position_ = Timer::kIdle;
    --armed_;
    while (!heap_.empty() && heap_.back().timer == nullptr) heap_.pop_back();
    const std::size_t holes = heap_.size() - armed_;
    if (holes > kFewHoles && holes > armed_) rebuild_without_holes();
    return true;
}

void TimerQueue::fire_due(TimePoint now) noexcept {
    const std::uint64_t limit = next_order_;
    for (drop_holes_at_top(); !heap_.empty(); drop_holes_at_top()) {
        const Entry top = heap_.front();
        if (top.deadline > now || top.order >= limit) return;
        pop_top();
        --armed_;
        top.timer->position_ = Timer::kIdle;
        top.timer->fire();
    }
}

std::optional<TimePoint> TimerQueue::next_deadline() noexcept {
    drop_holes_at_top();
    if (heap_.empty()) return std::nullopt;
    return heap_.front().deadline;
}

void TimerQueue::discard_all() noexcept {
    while (!heap_.empty()) {
        Timer* timer = heap_.back().timer;
        heap_.pop_back();
        if (timer == nullptr) continue;
        --armed_;
        timer->position_ = Timer::kIdle;
        timer->discard();
    }
}

void TimerQueue::place(std::size_t position, const Entry& entry) noexcept {
    heap_[position] = entry;
    if (entry.timer != nullptr) entry.timer->position_ = position;
}

void TimerQueue::sift_up(std::size_t position) noexcept {
    const Entry moving = heap_[position];
    while (position > 0) {
        const std::size_t parent = (position - 1) / 2;
        if (!moving.before(heap_[parent])) break;
        place(position, heap_[parent]);
        position = parent;
    }
    place(position, moving);
}

void TimerQueue::sift_down(std::size_t position) noexcept {
    const Entry moving = heap_[position];
    for (;;) {
        std::size_t child = 2 * position + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
        if (!heap_[child].before(moving)) break;
        place(position, heap_[child]);
        position = child;
    }
    place(position, moving);
}

void TimerQueue::pop_top() noexcept {
    const Entry last = heap_.back();
    heap_.pop_back();
    if (heap_.empty()) return;
    place(0, last);
    sift_down(0);
}

void TimerQueue::drop_holes_at_top() noexcept {
    while (!heap_.empty() && heap_.front().timer == nullptr) pop_top();
}

void TimerQueue::rebuild_without_holes() noexcept {
    std::erase_if(heap_, [](const Entry& entry) { return entry.timer == nullptr; });
    for (std::size_t i = 0; i < heap_.size(); ++i) heap_[i].timer->position_ = i;
    for (std::size_t i = heap_.size() / 2; i-- > 0;) sift_down(i);
}

}  // namespace weft::scheduler
