#include "sync/future_state.hpp"

#include <string>
#include <utility>

#include "sync/report.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

FutureState::~FutureState() {
    Waiter* waiter = waiters_of(word_.load(std::memory_order_acquire));
    while (waiter != nullptr) {
        auto* next = static_cast<Waiter*>(waiter->next_);
        waiter->abandon();
        waiter = next;
    }
    if (outcome_ == Outcome::exception) [[unlikely]]
        report_unseen("Future");
}

void FutureState::report_unseen(const char* kind) noexcept {
    if (outcome_ != Outcome::exception || retrieved_.load(std::memory_order_relaxed)) return;
    mark_retrieved();
    report(std::string(kind) + " exception was never retrieved", failure_);
}

bool FutureState::cancel(std::string_view message) noexcept {
    // Made before the claim: once claimed, nothing may fail.
    std::exception_ptr failure;
    try {
        if (!message.empty()) failure = std::make_exception_ptr(CancelledError(std::string(message)));
    } catch (const std::bad_alloc&) {
        // The request matters more than its text.
    }
    if (claim() == Claim::lost) {
        mark_retrieved();  // rule 49
        return false;
    }
    failure_ = std::move(failure);
    finish(Outcome::cancelled);
    return true;
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
    if (failure_ == nullptr) return std::make_exception_ptr(CancelledError());
    return failure_;
}

void FutureState::rethrow() {
    mark_retrieved();
    if (failure_ == nullptr) throw CancelledError();
    std::rethrow_exception(failure_);
}

void FutureState::wake_all(Waiter* newest) noexcept {
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
