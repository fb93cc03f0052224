#include "sync/barrier.hpp"

#include <limits>
#include <string>

namespace weft {

namespace {

std::size_t checked_count(std::ptrdiff_t parties) {
    if (parties < 1) throw std::invalid_argument("parties must be >= 1, not " + std::to_string(parties));
    return static_cast<std::size_t>(parties);
}

}  // namespace

// One task's stay.
class Barrier::Inside {
public:
    explicit Inside(Barrier& barrier) noexcept
        : barrier_(barrier),
          lock_(&barrier.condition_.lock_),
          index_(barrier.count_.fetch_add(1, std::memory_order_relaxed)) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
        if (sync::lock_not_held.lock == lock_ && sync::lock_not_held.condition_gone) return;  // with the barrier
        if (barrier_.count_.fetch_sub(1, std::memory_order_relaxed) != 1) return;
        const State state = barrier_.state();
        barrier_.change(state == State::broken ? State::broken : State::filling);
    }

    [[nodiscard]] std::size_t index() const noexcept { return index_; }

private:
    Barrier& barrier_;
    const Lock* lock_;
    const std::size_t index_;
};

Barrier::Barrier(std::ptrdiff_t parties, std::string_view name) : parties_(checked_count(parties)), condition_(name) {}

void Barrier::change(State next) noexcept {
    state_.store(next, std::memory_order_relaxed);
    condition_.wake(std::numeric_limits<std::size_t>::max());
}

Coro<std::size_t> Barrier::wait() {
    const LockGuard held = co_await condition_.scoped();
    co_await condition_.wait_for([this] { return state() != State::draining && state() != State::resetting; });
    if (broken()) throw BrokenBarrierError("Barrier aborted");
    const Inside inside(*this);
    if (inside.index() + 1 == parties_) {
        change(State::draining);
    } else {
        co_await condition_.wait_for([this] { return state() != State::filling; });
        if (state() != State::draining) throw BrokenBarrierError("Abort or reset of barrier");
    }
    co_return inside.index();
}

Coro<> Barrier::reset() {
    const LockGuard held = co_await condition_.scoped();
    change(count_.load(std::memory_order_relaxed) != 0 ? State::resetting : State::filling);
}

Coro<> Barrier::abort() {
    const LockGuard held = co_await condition_.scoped();
    change(State::broken);
}

}  // namespace weft
