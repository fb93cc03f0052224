#include "sync/condition.hpp"

#include <exception>
#include <limits>
#include <mutex>
#include <stdexcept>

#include "sync/errors.hpp"

namespace weft {

using sync::Wakes;

// In line, without the lock.
class Condition::Waiting : public sync::Parked {
public:
    explicit Waiting(Condition& condition) noexcept
        : Parked(condition.lot_), condition_(condition), lock_(condition.lock_) {}
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
        if (left_behind()) [[unlikely]]
            give_up();
        if (without_lock_) [[unlikely]]
            sync::lock_not_held = {.lock = &lock_, .condition_gone = gone()};
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        if (lock_.tenure_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
            lock_.end_tenure();  // not under the mutex: it may be the last to know its task
        bool refused = false;  // another task has released the lock meanwhile
        const bool parks = park(self.promise(), [this, &refused](Wakes& wakes) {
            refused = !lock_.try_release(wakes);
            if (!refused) without_lock_ = true;
            return refused;
        });
        if (refused) [[unlikely]]
            throw_not_held("wait", condition_);
        return parks;
    }

    void await_resume() {
        if (!resumed()) return;
        const bool cancelled = interrupted();
        (void)settle_alone();
        if (cancelled) throw_cancelled();
    }

    // From the release of the lock until it is held again.
    [[nodiscard]] bool without_lock() const noexcept { return without_lock_; }
    void holds_lock_again() noexcept { without_lock_ = false; }
    using Parked::gone;

    [[noreturn]] static void throw_not_held(const char* verb, const Condition& condition) {
        throw std::runtime_error(std::string("cannot ") + verb + " on un-acquired lock: " + condition.in_words());
    }

private:
    void give_up() noexcept {
        Wakes wakes;
        const std::lock_guard lock(condition_.mutex_);
        if (condition_.lot_.settle(*this) == sync::Wait::woken) (void)condition_.lot_.claim_first(wakes);
    }

    Condition& condition_;
    Lock& lock_;
    bool without_lock_ = false;
};

Coro<bool> Condition::wait() {
    require_held("wait");
    std::exception_ptr failure;
    Waiting waiting(*this);
    try {
        co_await waiting;
    } catch (...) {
        failure = std::current_exception();
    }
    if (!waiting.without_lock() || waiting.gone()) std::rethrow_exception(failure);
    for (bool held = false; !held;) {
        try {
            held = co_await lock_.acquire();
        } catch (const CancelledError&) {
            failure = std::current_exception();
        }
    }
    waiting.holds_lock_again();
    if (failure != nullptr) {
        wake(1);  // it may have been notified
        std::rethrow_exception(failure);
    }
    co_return true;
}

void Condition::notify(std::size_t count) {
    require_held("notify");
    wake(count);
}

void Condition::notify_all() { notify(std::numeric_limits<std::size_t>::max()); }

void Condition::require_held(const char* verb) const {
    if (!locked()) Waiting::throw_not_held(verb, *this);
}

void Condition::wake(std::size_t count) noexcept {
    Wakes wakes;
    const std::lock_guard lock(mutex_);
    while (count != 0 && lot_.claim_first(wakes)) --count;
}

}  // namespace weft
