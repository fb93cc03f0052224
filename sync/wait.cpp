#include "sync/wait.hpp"

#include <algorithm>

#include "scheduler/handle.hpp"
#include "sync/watcher.hpp"

namespace weft::sync {

class WaitState;

// One member of a wait, and its place in that member's list.
class WaitMember final : public Watcher {
public:
    explicit WaitMember(FutureState& future) noexcept : future_(&future) { future.retain(); }
    // Only before it is registered.
    WaitMember(WaitMember&& other) noexcept : Watcher(), future_(std::move(other.future_)) {}

    void abandon() noexcept override;

private:
    friend class WaitState;

    [[nodiscard]] const WatchHome& home() const noexcept override;
    void ended() noexcept override;

    FutureRef future_;
    WaitState* wait_ = nullptr;
};

// The waiter. Each member's registration owns a reference.
class WaitState final : public ValueFutureState<void> {
public:
    WaitState(const std::vector<FutureState*>& members, ReturnWhen return_when);

    // Begins: to be called once, before the await; and ends: afterwards, however the await ended.
    void watch();
    void set_timer(TimePoint deadline);
    void leave() noexcept;

    [[nodiscard]] std::string in_words() const override { return "wait for " + std::to_string(members_.size()); }
    [[nodiscard]] bool ends_from_outside() const noexcept override;

private:
    friend class WaitMember;

    void member_done(FutureState& member) noexcept;

    std::vector<WaitMember> members_;
    TimerHandle timer_;
    scheduler::LoneAtomic<std::size_t> unfinished_;
    const WatchHome home_;
    const ReturnWhen return_when_;
};

WaitState::WaitState(const std::vector<FutureState*>& members, ReturnWhen return_when)
    : unfinished_(members.size()), home_(require_loop()), return_when_(return_when) {
    members_.reserve(members.size());
    for (FutureState* const member : members) members_.emplace_back(*member);
}

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

// --- Waiting ------------------------------------------------------------------------------------------------------

Waiting::Waiting(const std::vector<FutureState*>& members, ReturnWhen return_when)
    : state_(new WaitState(members, return_when)) {}

Waiting::~Waiting() { static_cast<WaitState&>(state_.get()).leave(); }

void Waiting::watch() { static_cast<WaitState&>(state_.get()).watch(); }

void Waiting::set_timer(TimePoint deadline) { static_cast<WaitState&>(state_.get()).set_timer(deadline); }

Coro<> cancel_and_wait(FutureRef future) {
    Waiting waiting({&future.get()}, ALL_COMPLETED);
    waiting.watch();
    future.get().cancel({});
    co_await waiting;
}

}  // namespace weft::sync
