#include "sync/wait.hpp"

#include <algorithm>
namespace weft::sync {

WaitState::WaitState(std::vector<WaitMember> members, ReturnWhen return_when)
    : members_(std::move(members)), unfinished_(members_.size()), home_(require_loop()), return_when_(return_when) {}

void WaitState::watch() {
    for (WaitMember& member : members_) {
        member.wait_ = this;
        retain();
        if (member.future_.get().add_waiter(member) == FutureState::Add::already_done) member.wake();  // rule 131
    }
}

void WaitState::set_timer(TimePoint deadline) {
    retain();
    const auto expire = [self = FutureRef(this)] { (void)static_cast<WaitState&>(self.get()).try_set_value(); };
    timer_ = scheduler::arm_callback(require_loop(), deadline, expire);
}

void WaitState::leave() noexcept {
    if (timer_) timer_.cancel();
    for (WaitMember& member : members_) {
        if (member.wait_ != nullptr && member.future_.get().remove_waiter(member)) release();
    }
}

bool WaitState::ends_from_outside() const noexcept {
    return std::any_of(members_.begin(), members_.end(), [](const WaitMember& member) {
        const FutureState& future = member.future_.get();
        return !future.done() && future.ends_from_outside();
    });
}

void WaitState::member_done(FutureState& member) noexcept {
    bool enough = unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1 || return_when_ == FIRST_COMPLETED;  // W1
    if (!enough && return_when_ == FIRST_EXCEPTION && member.outcome() != Outcome::cancelled) {
        member.mark_retrieved();
        enough = member.outcome() == Outcome::exception;
    }
    if (enough) (void)try_set_value();
    release();
}

const WatchHome& WaitMember::home() const noexcept { return wait_->home_; }

void WaitMember::ended() noexcept { wait_->member_done(future_.get()); }

void WaitMember::abandon() noexcept { wait_->release(); }

Coro<> cancel_and_wait(FutureRef future) {
    std::vector<WaitMember> members;
    members.emplace_back(future);
    Waiting waiting(std::move(members), ALL_COMPLETED);
    waiting.state().watch();
    future.get().cancel({});
    co_await waiting;
}

}  // namespace weft::sync
