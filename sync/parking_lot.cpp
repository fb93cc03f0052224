#include "sync/parking_lot.hpp"

#include <thread>

#include "sync/report.hpp"

namespace weft::sync {

std::string Parked::in_words() const { return lot_ != nullptr ? lot_->in_words() : "what is gone"; }

bool Parked::leave_cancelled() noexcept {
    if (lot_ == nullptr) {
        if (state_.load(std::memory_order_relaxed) != State::parked) return false;
        state_.store(State::cancelled, std::memory_order_relaxed);
        return true;
    }
    const std::lock_guard lock(lot_->mutex_);
    if (state_.load(std::memory_order_relaxed) != State::parked) return false;
    state_.store(State::cancelled, std::memory_order_relaxed);
    --lot_->parked_;
    if (lot_->leaving_ == ParkingLot::Leaving::at_once) lot_->remove(*this);
    return true;
}

// The lot is gone before. Returns false.
bool Parked::cut_off() noexcept {
    if (state_.load(std::memory_order_relaxed) == State::parked) abandon();
    settled_ = true;
    return false;
}

void Wakes::wake_all(Parked& first) noexcept {
    for (Parked* each = &first; each != nullptr;) {
        Parked* const next = each->next_;
        TaskState& task = *each->task();
        each->state_.store(Parked::State::woken, std::memory_order_release);  // P1: the Parked may be gone from here on
        task.wake();
        each = next;
    }
}

bool ParkingLot::claim_oldest(Wakes& wakes) noexcept {
    while (first_ != nullptr) {
        if (claim_present(wakes)) return true;
    }
    return false;
}

// For a few instructions.
Parked::State Parked::state_once_woken() const noexcept {
    State state = State::claimed;
    while (state == State::claimed) {
        std::this_thread::yield();
        state = state_.load(std::memory_order_acquire);  // P1
    }
    return state;
}

Left Parked::leave() noexcept {
    if (!unsettled()) return Left::waiting;
    if (gone()) {
        settled_ = true;
        return Left::waiting;
    }
    if (!settle_alone()) {
        const std::lock_guard lock(lot_->mutex_);
        (void)lot_->settle(*this);
    }
    switch (state_.load(std::memory_order_relaxed)) {
        case State::woken: return Left::woken;
        case State::passed_by: return Left::passed_by;
        default: return Left::waiting;
    }
}

void ParkingLot::leave_unwoken(Parked& parked, Parked::State ended) noexcept {
    if (ended == Parked::State::parked) {  // its frame ends
        remove(parked);
        --parked_;
        parked.abandon();
    } else if (ended == Parked::State::cancelled && leaving_ == Leaving::when_resumed) {
        remove(parked);
    }
}

void ParkingLot::cut_off() noexcept {
    if (const scheduler::Loop* here = scheduler::current_loop(); here != nullptr && here->debug()) {
        std::string text = name_ + " is destroyed while tasks wait for it:";
        for (Parked* each = first_; each != nullptr; each = each->next_) text += "\n  " + each->task()->repr();
        warn(text);
    }
    const std::lock_guard lock(mutex_);
    for (Parked* each = first_; each != nullptr; each = each->next_) each->lot_ = nullptr;
    first_ = last_ = nullptr;
}

void ParkingLot::tell_of_granted() const noexcept {
    if (const scheduler::Loop* here = scheduler::current_loop(); here != nullptr && here->debug()) {
        warn(name_ + " is destroyed before a task that it was given to has resumed: that task will reach for it");
    }
}

void ParkingLot::tell_of_release(std::string_view is_free) const noexcept {
    warn("a guard ends, but its " + name_ + " " + std::string(is_free) + ": it was released by hand");
}

std::string ParkingLot::in_words(std::string_view what, std::string_view name) {
    std::string text(what);
    if (!name.empty()) text.append(" '").append(name).append("'");
    return text;
}

}  // namespace weft::sync
