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
    explicit Waiting(Condition& condition) noexcept : Parked(condition.lot_), condition_(condition) {}
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
        if (left_behind()) [[unlikely]]
            give_up();
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return park(self.promise(), [this](Wakes& wakes) {
            if (!condition_.lock_.try_release(wakes)) throw_not_held("wait", condition_);
            return false;
        });
    }

    void await_resume() {
        if (!resumed()) return;
        const bool cancelled = interrupted();
        (void)settle_alone();
        if (cancelled) throw_cancelled();
    }

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
};

Coro<bool> Condition::wait() {
    require_held("wait");
    std::exception_ptr failure;
    try {
        co_await Waiting(*this);
    } catch (...) {
        failure = std::current_exception();
    }
    for (bool held = false; !held;) {
        try {
            held = co_await lock_.acquire();
        } catch (const CancelledError&) {
            failure = std::current_exception();
        }
    }
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
