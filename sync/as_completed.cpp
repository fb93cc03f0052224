#include "sync/as_completed.hpp"

#include <algorithm>
#include <mutex>

#include "sync/deadline.hpp"

namespace weft::sync {

using Lock = std::lock_guard<scheduler::Mutex>;

void Completions::watch(std::optional<Duration> timeout) {
    for (CompletionMember& member : members_) {
        member.owner_ = shared_from_this();
        if (member.future_.get().add_waiter(member) == FutureState::Add::already_done) member.wake();
    }
    if (members_.empty() || !timeout) return;
    const auto expire = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->expire();
    };
    TimerHandle timer = scheduler::arm_callback(require_loop(), *Deadline::after(timeout).when(), expire);
    {
        const Lock lock(mutex_);
        if (todo_ != 0) timer_ = std::exchange(timer, TimerHandle());
    }
    if (timer) timer.cancel();  // all were done already, on other loops
}

bool Completions::ask() noexcept {
    const Lock lock(mutex_);
    if (left_ == 0) return false;
    --left_;
    return true;
}

std::size_t Completions::left() noexcept {
    const Lock lock(mutex_);
    return left_;
}

void Completions::leave() noexcept {
    TimerHandle unneeded;
    {
        const Lock lock(mutex_);
        unneeded = std::move(timer_);
    }
    if (unneeded) unneeded.cancel();
    for (CompletionMember& member : members_) {
        if (member.future_.get().remove_waiter(member)) member.owner_.reset();
    }
}

void Completions::member_done(CompletionMember& member) noexcept {
    TimerHandle unneeded;
    {
        const Lock lock(mutex_);
        if (!std::exchange(member.counted_, false)) return;  // it had timed out
        done_.push_back(member.future_);
        if (--todo_ == 0) unneeded = std::move(timer_);
    }
    if (unneeded) unneeded.cancel();
    wake_next();
}

void Completions::expire() noexcept {
    std::size_t late = 0;
    {
        const Lock lock(mutex_);
        late = std::exchange(todo_, 0);
        for (CompletionMember& member : members_) member.counted_ = false;
        done_.insert(done_.end(), late, FutureRef());
    }
    while (late-- != 0) wake_next();
}

// A wake is no transfer: who comes first takes.
void Completions::wake_next() noexcept {
    for (;;) {
        FutureRef getter;
        {
            const Lock lock(mutex_);
            if (getters_.empty()) return;
            getter = std::move(getters_.front());
            getters_.pop_front();
        }
        if (static_cast<ValueFutureState<void>&>(getter.get()).try_set_value()) return;
    }
}

std::optional<FutureRef> Completions::try_take() {
    const Lock lock(mutex_);
    if (done_.empty()) return std::nullopt;
    FutureRef first = std::move(done_.front());
    done_.pop_front();
    return first;
}

// A getter in the queue, for the time of its await.
class Completions::Getting {
public:
    explicit Getting(Completions& completions) : completions_(completions), getter_(new ValueFutureState<void>) {
        const Lock lock(completions_.mutex_);
        if (completions_.done_.empty()) {
            completions_.getters_.push_back(getter_);
        } else {
            (void)static_cast<ValueFutureState<void>&>(getter_.get()).try_set_value();
        }
    }
    Getting(const Getting&) = delete;
    Getting& operator=(const Getting&) = delete;
    ~Getting() {
        if (resumed_) return;
        bool pass_on = false;
        {
            const Lock lock(completions_.mutex_);
            std::erase_if(completions_.getters_,
                          [this](const FutureRef& other) { return other.pointer() == getter_.pointer(); });
            pass_on = getter_.get().outcome() == Outcome::value && !completions_.done_.empty();
        }
        if (pass_on) completions_.wake_next();
    }

    FutureAwaiter<void> operator co_await() const { return FutureAwaiter<void>(getter_.get()); }
    void resumed() noexcept { resumed_ = true; }

private:
    Completions& completions_;
    FutureRef getter_;
    bool resumed_ = false;
};

Coro<FutureRef> Completions::get() {
    for (;;) {
        if (std::optional<FutureRef> taken = try_take()) {
            if (taken->pointer() == nullptr) throw TimeoutError();
            co_return std::move(*taken);
        }
        Getting getting(*this);
        co_await getting;
        getting.resumed();
    }
}

const WatchHome& CompletionMember::home() const noexcept { return owner_->home_; }

void CompletionMember::ended() noexcept {
    const std::shared_ptr<Completions> owner = std::move(owner_);
    owner->member_done(*this);
}

void CompletionMember::abandon() noexcept { owner_.reset(); }

}  // namespace weft::sync
