// Acquiring: waits in turn for a lock or a semaphore. Held: has it, until the end of its scope.
//
// What is acquired offers both of them
//   bool try_take()             at once and without the mutex, if nobody is in line
//   bool take_in_turn()         under the mutex: at once, if nobody is to be passed
//   void resume(Parked&)        the task goes on: takes what it was granted, or passes it on and throws CancelledError
//   void give_up(Parked&)       the task's frame ends: passes it on
//   void before_wait(), taken() for who checks them in debug mode
//   void end_of_scope()         a guard releases it
#pragma once

#include <coroutine>
#include <utility>

#include "sync/parking_lot.hpp"

namespace weft {

namespace sync {
// The frame of a Condition::wait() has just ended without its lock, be it that its task is dismantled or the condition is
// gone: the guard around it, the next of that lock that ends on this thread, has nothing to release.
struct LockNotHeld {
    const void* lock = nullptr;
    bool condition_gone = false;
};
inline thread_local constinit LockNotHeld lock_not_held{};
}  // namespace sync

// A movable guard. Release happens once: by release(), or at the end.
template <class Primitive>
class [[nodiscard]] Held {
public:
    explicit Held(Primitive& held) noexcept : held_(&held) {}
    Held(Held&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    Held& operator=(Held&& other) noexcept {
        if (this != &other) {
            end();
            held_ = std::exchange(other.held_, nullptr);
        }
        return *this;
    }
    ~Held() { end(); }

    // False once released or moved from.
    explicit operator bool() const noexcept { return held_ != nullptr; }

    // Throws std::runtime_error if it was released behind the guard's back.
    void release() {
        if (held_ != nullptr) std::exchange(held_, nullptr)->release();
    }

private:
    void end() noexcept {
        if (held_ != nullptr) std::exchange(held_, nullptr)->end_of_scope();
    }

    Primitive* held_;
};

namespace sync {

template <class Primitive>
class Acquiring : public Parked {
public:
    static constexpr bool kTakes = true;  // see awaitable.hpp

    explicit Acquiring(Primitive& wanted) noexcept : Parked(wanted.lot_), wanted_(wanted) {}
    Acquiring(Acquiring&&) noexcept = default;
    ~Acquiring() {
        if (left_behind()) [[unlikely]]
            wanted_.give_up(*this);
    }

    [[nodiscard]] bool await_ready() { return wanted_.try_take(); }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        wanted_.before_wait();
        return park(self.promise(), [this](Wakes&) { return wanted_.take_in_turn(); });
    }

    bool await_resume() {
        if (resumed()) wanted_.resume(*this);
        wanted_.taken();
        return true;
    }

protected:
    Primitive& wanted_;
};

template <class Primitive>
class AcquiringScoped : public Acquiring<Primitive> {
public:
    using Acquiring<Primitive>::Acquiring;

    Held<Primitive> await_resume() {
        Acquiring<Primitive>::await_resume();
        return Held<Primitive>(this->wanted_);
    }
};

}  // namespace sync

}  // namespace weft
