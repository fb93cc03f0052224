#include "sync/as_completed.hpp"

#include <algorithm>
#include <deque>
#include <mutex>

#include "scheduler/handle.hpp"
#include "sync/deadline.hpp"
#include "sync/watcher.hpp"

namespace weft::sync {

using Lock = std::lock_guard<scheduler::Mutex>;

// One member, and its place in that member's list.
class CompletionMember final : public Watcher {
public:
    explicit CompletionMember(FutureState& future) noexcept : future_(&future) { future.retain(); }
    // Only before it is registered.
    CompletionMember(CompletionMember&& other) noexcept : Watcher(), future_(std::move(other.future_)) {}

    void abandon() noexcept override;

private:
    friend class Completions;

    [[nodiscard]] const WatchHome& home() const noexcept override;
    void ended() noexcept override;

    FutureRef future_;
    std::shared_ptr<Completions> owner_;  // while it is registered
    bool counted_ = true;                 // neither done nor timed out
};

// Invariant: each member enters the queue of the done once, or counts as timed out; a getter that is woken takes the
// first of the queue when it runs, and one that is cancelled after its wake passes it on, as asyncio's Queue does.
//
// Everything is under one mutex; futures are completed outside of it.
class Completions : public std::enable_shared_from_this<Completions> {
public:
    explicit Completions(const std::vector<FutureState*>& members);

    void watch(std::optional<Duration> timeout);
    // Takes the watchers out of the members' lists.
    void leave() noexcept;

    // One fewer to be asked for; false if there is none.
    [[nodiscard]] bool ask() noexcept;
    [[nodiscard]] std::size_t left() noexcept;

    // Returns the next member that is done. Throws TimeoutError for each that is not in time.
    Coro<FutureRef> get();

private:
    friend class CompletionMember;
    class Getting;

    void member_done(CompletionMember& member) noexcept;
    void expire() noexcept;
    void wake_next() noexcept;
    [[nodiscard]] std::optional<FutureRef> try_take();

    scheduler::Mutex mutex_;
    std::vector<CompletionMember> members_;
    std::deque<FutureRef> done_;  // an empty one: a member timed out
    std::deque<FutureRef> getters_;
    TimerHandle timer_;
    std::size_t todo_;
    std::size_t left_;  // the iteration's
    const WatchHome home_;
};

Completions::Completions(const std::vector<FutureState*>& members)
    : todo_(members.size()), left_(members.size()), home_(require_loop()) {
    members_.reserve(members.size());
    for (FutureState* const member : members) members_.emplace_back(*member);
}

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

// --- Iterating ----------------------------------------------------------------------------------------------------

Iterating::Iterating(const std::vector<FutureState*>& members, std::optional<Duration> timeout)
    : completions_(std::make_shared<Completions>(members)) {
    completions_->watch(timeout);
}

Iterating::~Iterating() { completions_->leave(); }

bool Iterating::ask() noexcept { return completions_->ask(); }

std::size_t Iterating::left() const noexcept { return completions_->left(); }

Coro<FutureRef> Iterating::get() { return completions_->get(); }

}  // namespace weft::sync
