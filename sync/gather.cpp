#include "sync/gather.hpp"

#include <algorithm>
#include <unordered_set>

namespace weft::sync {

GatherBase::GatherBase(std::vector<GatherChild> children, bool failures_are_results)
    : children_(std::move(children)), return_exceptions_(failures_are_results), home_(require_loop()) {
    std::unordered_set<const FutureState*> seen;
    for (GatherChild& child : children_) {
        child.gather_ = this;
        child.duplicate_ = !child.made_here_ && !seen.insert(&child.state()).second;
        if (!child.duplicate_) ++counted_;
    }
    unfinished_.store(counted_, std::memory_order_relaxed);
}

void GatherBase::watch() {
    if (counted_ == 0) return finish();
    // Rules 121 and 123: what is done already is looked at now. The handle that start() holds keeps this alive.
    for (GatherChild& child : children_) {
        if (child.duplicate_) continue;
        FutureState& state = child.state();
        if (state.done() || state.add_waiter(child) == FutureState::Add::already_done) child_done(state);
    }
}

void GatherBase::child_done(FutureState& child) noexcept {
    child.mark_retrieved();  // rule 113
    // Rule 114: a cancelled child fails the gather; the gather itself is not cancelled.
    if (child.outcome() != Outcome::value && !return_exceptions_ && !outer().done()) {
        (void)outer().try_set_exception(child.failure());
    }
    leave();
    outer().release();
}

void GatherBase::leave() noexcept {
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish();  // G1
}

bool GatherBase::child_ends_from_outside() const noexcept {
    return std::any_of(children_.begin(), children_.end(), [](const GatherChild& child) {
        return !child.state().done() && child.state().ends_from_outside();
    });
}

TaskState* GatherBase::failed_child() noexcept {
    const std::exception_ptr failure = outer().failure();
    for (const GatherChild& child : children_) {
        FutureState& state = child.state();
        if (state.done() && state.outcome() == Outcome::exception && state.failure() == failure)
            return state.failed_task();
    }
    return nullptr;
}

void GatherBase::finish() noexcept {
    if (outer().done()) return;
    try {
        if (cancel_accepted_.load(std::memory_order_relaxed)) {  // rules 117 and 118
            FutureState& last = children_.back().state();
            (void)outer().try_set_exception(
                last.outcome() == Outcome::cancelled ? last.failure() : std::make_exception_ptr(CancelledError()));
        } else {
            set_results();
        }
    } catch (...) {
        (void)outer().try_set_exception(std::current_exception());
    }
}

bool GatherBase::start_asking() noexcept {
    std::uint32_t unfinished = unfinished_.load(std::memory_order_relaxed);
    do {
        if (unfinished == 0) return false;
    } while (!unfinished_.compare_exchange_weak(unfinished, unfinished + 1, std::memory_order_relaxed,
                                                std::memory_order_relaxed));
    return true;
}

bool GatherBase::cancel_children(std::string_view message) noexcept {
    if (!start_asking()) return false;
    bool accepted = false;
    // A child that was given twice gets two requests.
    for (GatherChild& child : children_) {
        if (child.state().cancel(message)) accepted = true;
    }
    if (accepted) cancel_accepted_.store(true, std::memory_order_relaxed);  // published by G1
    leave();
    return accepted;
}

std::vector<GatherChild> no_children(std::size_t room) {
    std::vector<GatherChild> children;
    children.reserve(room);
    return children;
}

const WatchHome& GatherChild::home() const noexcept { return gather_->home_; }

void GatherChild::ended() noexcept { gather_->child_done(state()); }

// The loop is closed: the gather would never end, and keep those who wait for it.
void GatherChild::abandon() noexcept {
    FutureState& outer = gather_->outer();
    (void)outer.FutureState::cancel({});
    outer.release();
}

}  // namespace weft::sync
