#include "sync/parking_lot.hpp"

#include <thread>

#include "sync/report.hpp"

namespace weft::sync {

std::string Parked::in_words() const { return lot_ != nullptr ? lot_->in_words() : "what is gone"; }

bool Parked::cancel(std::string_view message) noexcept {
    // Made before it leaves: from then on nothing may fail.
    std::exception_ptr failure;
    try {
        if (!message.empty()) failure = std::make_exception_ptr(CancelledError(std::string(message)));
    } catch (const std::bad_alloc&) {
        // The request matters more than its text.
    }
    if (lot_ != nullptr) {
        const std::lock_guard lock(lot_->mutex_);
        if (state_.load(std::memory_order_relaxed) != State::parked) return false;
        state_.store(State::cancelled, std::memory_order_relaxed);
        --lot_->parked_;
        if (lot_->leaving_ == ParkingLot::Leaving::at_once) lot_->remove(*this);
    } else {
        if (state_.load(std::memory_order_relaxed) != State::parked) return false;
        state_.store(State::cancelled, std::memory_order_relaxed);
    }
    failure_ = std::move(failure);
    task_->wake();  // the canceller has borrowed the task: it does not resume before this returns
    return true;
}

void Parked::throw_cancelled() const {
    if (state_.load(std::memory_order_relaxed) == State::cancelled) task_->throw_cancelled(failure_);
    task_->throw_cancelled();
}

// The lot is gone before. Returns false.
bool Parked::cut_off() noexcept {
    if (state_.load(std::memory_order_relaxed) == State::parked) task_->abandon();
    settled_ = true;
    return false;
}

void Wakes::wake_all() noexcept {
    for (Parked* each = first_; each != nullptr;) {
        Parked* const next = each->next_;
        TaskState& task = *each->task_;
        each->state_.store(Parked::State::woken, std::memory_order_release);  // P1: the Parked may be gone from here on
        task.wake();
        each = next;
    }
}

void ParkingLot::claim(Parked& parked, Wakes& wakes) noexcept {
    remove(parked);
    --parked_;
    parked.state_.store(Parked::State::claimed, std::memory_order_relaxed);
    wakes.add(parked);
}

bool ParkingLot::claim_oldest(Wakes& wakes) noexcept {
    Parked* oldest = first_;
    while (oldest->state_.load(std::memory_order_relaxed) == Parked::State::cancelled) oldest = oldest->next_;
    claim(*oldest, wakes);
    return true;
}

bool ParkingLot::claim_head(Wakes& wakes) noexcept {
    if (first_ == nullptr || first_->state_.load(std::memory_order_relaxed) == Parked::State::cancelled) return false;
    claim(*first_, wakes);
    return true;
}

// Waits for a waker that has taken it out of line and is about to let go of it: for a few instructions.
Parked::State Parked::state_let_go() const noexcept {
    State state = state_.load(std::memory_order_acquire);  // P1
    while (state == State::claimed) {
        std::this_thread::yield();
        state = state_.load(std::memory_order_acquire);  // P1
    }
    return state;
}

bool Parked::settle_alone_unwoken() noexcept {
    settled_ = state_let_go() != State::parked;
    return settled_;
}

Wait ParkingLot::settle_unwoken(Parked& parked) noexcept {
    const Parked::State ended = parked.state_let_go();
    if (ended == Parked::State::parked) {  // its frame ends
        remove(parked);
        --parked_;
        parked.task_->abandon();
    } else if (ended == Parked::State::cancelled && leaving_ == Leaving::when_resumed) {
        remove(parked);
    }
    parked.settled_ = true;
    return ended == Parked::State::woken ? Wait::woken : Wait::cancelled;
}

void ParkingLot::cut_off() noexcept {
    if (const scheduler::Loop* here = scheduler::current_loop(); here != nullptr && here->debug()) {
        std::string text = name_ + " is destroyed while tasks wait for it:";
        for (Parked* each = first_; each != nullptr; each = each->next_) text += "\n  " + each->task_->repr();
        warn(text);
    }
    const std::lock_guard lock(mutex_);
    for (Parked* each = first_; each != nullptr; each = each->next_) each->lot_ = nullptr;
    first_ = last_ = nullptr;
}

std::string ParkingLot::in_words(std::string_view what, std::string_view name) {
    std::string text(what);
    if (!name.empty()) text.append(" '").append(name).append("'");
    return text;
}

}  // namespace weft::sync
