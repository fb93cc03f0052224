// Coro<T>: a coroutine not yet started. Lazy and move-only; `co_await` runs it inside the awaiting task, by transfer of
// control and without a task of its own; create_task, gather and the others make a task of it.
//
// Invariant: a Coro owns its frame until it is awaited or given away; then it is empty, and awaiting it (a second
// time, or after it was moved from) throws InvalidStateError.
#pragma once

#include <coroutine>
#include <utility>

#include "sync/branch.hpp"
#include "sync/errors.hpp"
#include "sync/promise.hpp"
#include "sync/transfer.hpp"

// In a register, and destroyed by the function that gets it: an argument of fork_join then takes no room in the frame.
#if defined(__clang__)
#define WEFT_TRIVIAL_ABI [[clang::trivial_abi]]
#else
#define WEFT_TRIVIAL_ABI
#endif

namespace weft {

namespace sync {
[[noreturn]] void throw_empty_coro();
}

template <class T = void>
class [[nodiscard]] WEFT_TRIVIAL_ABI Coro {
public:
    class promise_type final : public sync::CoroPromise<T> {
    public:
        Coro get_return_object() noexcept { return Coro(*this); }
    };

    using value_type = T;

    Coro(Coro&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
    Coro& operator=(Coro&& other) noexcept {
        if (this != &other) {
            reset();
            promise_ = std::exchange(other.promise_, nullptr);
        }
        return *this;
    }
    ~Coro() { reset(); }

    // False once awaited, given away or moved from.
    explicit operator bool() const noexcept { return promise_ != nullptr; }

    class Awaiter {
    public:
        explicit Awaiter(promise_type& callee) noexcept : call_(&callee) {}

        [[nodiscard]] bool await_ready() const noexcept { return false; }

        template <class Promise>
        sync::Transfer await_suspend(std::coroutine_handle<Promise> caller) noexcept {
            call_.caller_ = &caller.promise();
            call_.callee_->return_to(call_);
            return sync::transfer_to(call_.callee_->handle());
        }

        T await_resume() { return static_cast<promise_type*>(call_.callee_)->take(); }

    private:
        sync::Call call_;
    };

    Awaiter operator co_await() && { return Awaiter(*give_away()); }
    Awaiter operator co_await() & { return Awaiter(*give_away()); }

    // For what takes over the frame. Throws InvalidStateError if empty.
    [[nodiscard]] promise_type* give_away() {
        if (promise_ == nullptr) [[unlikely]]
            sync::throw_empty_coro();
        return std::exchange(promise_, nullptr);
    }

private:
    explicit Coro(promise_type& promise) noexcept : promise_(&promise) {
        static_assert(alignof(promise_type) <= 16,
                      "an over-aligned result: g++ 12.2 and clang 19 misplace it in a frame");
    }

    void reset() noexcept {
        if (promise_ != nullptr) promise_->handle().destroy();
    }

    promise_type* promise_;
};

}  // namespace weft
