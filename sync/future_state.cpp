#include "sync/future_state.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "sync/exception_handler.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

void FutureState::abandon_waiters() noexcept {
    Waiter* waiter = waiters_of(word_.load(std::memory_order_relaxed));  // F4: who added one had a reference
    while (waiter != nullptr) {
        auto* next = static_cast<Waiter*>(waiter->next_);
        waiter->abandon();
        waiter = next;
    }
}

void FutureState::report_unseen() noexcept {
    mark_retrieved();
    references_.store(1, std::memory_order_relaxed);
    const bool task = dynamic_cast<TaskState*>(this) != nullptr;
    report(task ? "Task exception was never retrieved" : "Future exception was never retrieved", *this, failure_);
    release();
}

FutureState::Claim FutureState::claim_to_cancel(std::string_view message) noexcept {
    // Made before the claim: once claimed, nothing may fail.
    std::exception_ptr failure;
    try {
        if (!message.empty()) failure = std::make_exception_ptr(CancelledError(std::string(message)));
    } catch (const std::bad_alloc&) {
        // The request matters more than its text.
    }
    if (claim() == Claim::lost) {
        mark_retrieved();  // rule 49
        return Claim::lost;
    }
    failure_ = std::move(failure);
    return Claim::won;
}

// The task stays in the list of waiters: its wake or abandon drops the reference.
void FutureState::keep(TaskState& waiter) noexcept { waiter.retain(); }

bool FutureState::try_set_exception(std::exception_ptr failure) noexcept {
    if (claim() == Claim::lost) return false;
    failure_ = std::move(failure);
    finish(Outcome::exception);
    return true;
}

std::exception_ptr FutureState::failure() noexcept {
    mark_retrieved();
    if (outcome_ == Outcome::value) return nullptr;
    if (outcome_ == Outcome::cancelled && (failure_ == nullptr || (gives_message_once() && !take_once()))) {
        return std::make_exception_ptr(CancelledError());
    }
    return failure_;
}

std::exception_ptr FutureState::cancellation() const noexcept {
    return failure_ == nullptr || gives_message_once() ? std::make_exception_ptr(CancelledError()) : failure_;
}

void FutureState::rethrow() {
    if (outcome_ == Outcome::cancelled && failure_ == nullptr) {  // many at a time: without anything to be unwound here
        mark_retrieved();
        throw CancelledError();
    }
    const std::exception_ptr thrown = failure();
    TaskState* from = outcome_ == Outcome::exception ? failed_task() : nullptr;
    if (from != nullptr) TaskState::carry_trace(*from, thrown);
    std::rethrow_exception(thrown);
}

scheduler::Loop& FutureState::loop() const {
    scheduler::Shell* shell = home_shell();
    if (shell == nullptr) throw std::runtime_error("the future belongs to no loop: it was created outside of loops");
    const scheduler::Shell::Visit visit(*shell);
    if (visit.loop() == nullptr) throw std::runtime_error("Event loop is closed");
    return *visit.loop();
}

bool FutureState::remove_waiter(RemovableWaiter& waiter) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        if ((word & kDone) != 0) return false;
        if ((word & kEditing) != 0) {  // another thread unlinks; it runs no user code meanwhile
            std::this_thread::yield();
            word = word_.load(std::memory_order_relaxed);
        } else if (word_.compare_exchange_weak(word, word | kEditing, std::memory_order_acquire,  // F5, F2
                                               std::memory_order_relaxed)) {
            break;
        }
    }
    unlink(waiter);
    word = word_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        next = (word & kDone) != 0 ? word & (kCount | kDone) : word & ~kEditing;
    } while (!word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,  // F5 release; F2 for the rest
                                          std::memory_order_relaxed));
    if ((word & kDone) != 0) wake_all(waiters_of(word));  // a completer left them to us
    return true;
}

// Under `editing`: tells each waiter that can be removed, from `newest` down to `wanted`, who is newer. Goes on below
// for as many steps again: whatever the order of removals, a walk twice as long is paid for by those that it saves.
void FutureState::link_down(Waiter* newest, const Waiter& wanted) noexcept {
    const auto step = [](Waiter* newer) {
        auto* const below = static_cast<Waiter*>(newer->next_);
        if (below == nullptr) return below;
        if (RemovableWaiter* removable = below->removable()) removable->newer_ = newer;
        return below;
    };
    std::size_t steps = 0;
    Waiter* newer = newest;
    for (; newer != &wanted; ++steps) newer = step(newer);
    for (; newer != nullptr && steps != 0; --steps) newer = step(newer);
}

// Under `editing`.
void FutureState::unlink(RemovableWaiter& waiter) noexcept {
    auto* const older = static_cast<Waiter*>(waiter.next_);
    RemovableWaiter* const below = older != nullptr ? older->removable() : nullptr;
    while (waiter.newer_ == nullptr) {
        std::uint64_t word = word_.load(std::memory_order_acquire);  // F2
        if (waiters_of(word) != &waiter) {
            link_down(waiters_of(word), waiter);
        } else if (word_.compare_exchange_weak(word, (word & ~kWaiters) | reinterpret_cast<std::uintptr_t>(older),
                                               std::memory_order_relaxed,  // what is older F5 has brought
                                               std::memory_order_relaxed)) {
            if (below != nullptr) below->newer_ = nullptr;
            return;
        }
    }
    waiter.newer_->next_ = older;
    if (below != nullptr) below->newer_ = waiter.newer_;
}

void FutureState::wake_many(Waiter* newest) noexcept {
    Waiter* oldest = nullptr;
    while (newest != nullptr) {
        auto* next = static_cast<Waiter*>(newest->next_);
        newest->next_ = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != nullptr) {
        auto* next = static_cast<Waiter*>(oldest->next_);
        oldest->wake();
        oldest = next;
    }
}

}  // namespace weft::sync
