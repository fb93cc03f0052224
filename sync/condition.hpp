// Condition: waits for a change of what a lock protects. Rules 227 to 231.
//
//     auto held = co_await condition.scoped();
//     co_await condition.wait_for([&] { return !jobs.empty(); });
//
// Invariant: a task is in line before its lock is free, so no notification between the two passes it by. It returns with
// the lock held, also if it raises. A notification that went to a task that raises goes to the next in line, hence some
// wake-ups are spurious.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "scheduler/spin_lock.hpp"
#include "sync/coro.hpp"
#include "sync/lock.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

class Condition {
public:
    // With a lock of its own. `name` is for reports.
    explicit Condition(std::string_view name = {})
        : own_(std::in_place, name), lock_(*own_), lot_("condition", mutex_, name) {}
    // With one that outlives it.
    explicit Condition(Lock& lock, std::string_view name = {}) : lock_(lock), lot_("condition", mutex_, name) {}
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    // Returns, when awaited, true. Throws std::runtime_error if the lock is free; CancelledError, the last that came, with
    // the lock held. Thread: a task's. Cost: a coroutine's frame.
    [[nodiscard]] Coro<bool> wait();

    // Returns, when awaited, the value of `predicate()` once it converts to true; it is called with the lock held, first at
    // once. Throws as wait() does, and what the predicate throws.
    template <class Predicate>
    [[nodiscard]] Coro<std::decay_t<std::invoke_result_t<Predicate&>>> wait_for(Predicate predicate) {
        auto value = predicate();
        while (!value) {
            co_await wait();
            value = predicate();
        }
        co_return value;
    }

    // Wakes the `count` that have waited longest; they go on once the lock is released. Throws std::runtime_error if the
    // lock is free.
    void notify(std::size_t count = 1);
    void notify_all();

    // The lock's.
    [[nodiscard]] auto acquire() { return lock_.acquire(); }
    [[nodiscard]] auto scoped() { return lock_.scoped(); }
    [[nodiscard]] bool try_acquire() { return lock_.try_acquire(); }
    void release() { lock_.release(); }
    [[nodiscard]] bool locked() const noexcept { return lock_.locked(); }

    // "condition 'jobs'"
    [[nodiscard]] const std::string& in_words() const noexcept { return lot_.in_words(); }

private:
    class Waiting;
    friend class Barrier;

    void require_held(const char* verb) const;
    void wake(std::size_t count) noexcept;

    std::optional<Lock> own_;
    Lock& lock_;
    scheduler::SpinLock mutex_;  // before the lock's
    sync::ParkingLot lot_;
};

}  // namespace weft
