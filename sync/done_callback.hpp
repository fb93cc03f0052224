// DoneCallback: a function to be called, through the loop, when a future is done. Counted: the future's list or the loop's
// queue has a reference, and so has every CallbackId, which names one registration.
//
// Orderings
//   D1 references: relaxed in retain, acq_rel in release    the last owner sees everything before it destroys
//   D2 removed: relaxed exchange                            one remover; the list itself is FutureState's
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "scheduler/handle.hpp"
#include "scheduler/schedule.hpp"
#include "sync/branch.hpp"
#include "sync/context_callback.hpp"
#include "sync/future_ref.hpp"
#include "sync/future_state.hpp"

namespace weft {

namespace sync {

class AnyHandle;

class DoneCallback : public RemovableWaiter, public scheduler::PooledFrame {
public:
    DoneCallback(FutureState& future, scheduler::Loop& loop, const CallbackOptions& options)
        : future_(future),
          loop_(loop.shell()),
          generation_(loop_.generation()),
          context_(context_for(options.context)) {}
    DoneCallback(const DoneCallback&) = delete;
    DoneCallback& operator=(const DoneCallback&) = delete;

    // Rule 38: queued by itself, never inline; call_soon callbacks stay on their loop.
    void wake() noexcept final {
        future_.retain();  // a callback may be the last that knows it
        if (scheduler::schedule_on(*this, loop_, generation_) == scheduler::Sent::closed) drop();
    }
    void abandon() noexcept final {
        destroy_callable();
        release();
    }
    void drop() noexcept final {
        future_.release();
        abandon();
    }
    void run() noexcept final {
        {
            const ContextEntry entry(context_);  // also of the report: rule 23
            try {
                call(FutureRef(&future_));
            } catch (...) {
                scheduler::report_callback_exception(std::current_exception());
            }
        }
        abandon();
    }

    // Takes it out of `future`'s list. Returns false if it is not there (any more).
    [[nodiscard]] bool remove_from(FutureState& future) noexcept {
        if (&future != &future_ || future.done() || removed_.exchange(true, std::memory_order_relaxed))
            return false;  // D2
        if (!future.remove_waiter(*this)) return false;
        abandon();
        return true;
    }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // D1
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // D1
    }

protected:
    virtual ~DoneCallback() = default;
    virtual void call(FutureRef future) = 0;
    virtual void destroy_callable() noexcept = 0;

private:
    FutureState& future_;
    scheduler::Shell& loop_;
    const std::uint32_t generation_;
    ContextSlot context_;
    scheduler::LoneAtomic<std::uint32_t> references_{1};
    scheduler::LoneAtomic<bool> removed_{false};
};

template <class Handle, class F>
class DoneCallbackOf final : public DoneCallback {
public:
    DoneCallbackOf(FutureState& future, F fn, scheduler::Loop& loop, const CallbackOptions& options)
        : DoneCallback(future, loop, options), fn_(std::move(fn)) {}

private:
    void call(FutureRef future) override { std::invoke(*fn_, Handle(std::move(future))); }
    void destroy_callable() noexcept override { fn_.reset(); }

    std::optional<F> fn_;
};

}  // namespace sync

// Names one registration of add_done_callback, for remove_done_callback.
class CallbackId {
public:
    CallbackId() = default;
    explicit CallbackId(sync::DoneCallback& callback) noexcept : callback_(&callback) { callback.retain(); }
    CallbackId(const CallbackId& other) noexcept : callback_(other.callback_) {
        if (callback_ != nullptr) callback_->retain();
    }
    CallbackId(CallbackId&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
    CallbackId& operator=(CallbackId other) noexcept {
        std::swap(callback_, other.callback_);
        return *this;
    }
    ~CallbackId() {
        if (callback_ != nullptr) callback_->release();
    }

    explicit operator bool() const noexcept { return callback_ != nullptr; }
    friend bool operator==(const CallbackId& a, const CallbackId& b) noexcept { return a.callback_ == b.callback_; }
    [[nodiscard]] std::size_t hash() const noexcept { return std::hash<void*>()(callback_); }

private:
    friend class sync::AnyHandle;
    sync::DoneCallback* callback_ = nullptr;
};

namespace sync {

// Where a done callback runs: on the running loop, outside of loops on the future's own.
// Throws std::runtime_error if there is neither.
[[nodiscard]] inline scheduler::Loop& callback_loop(const FutureState& state) {
    scheduler::Loop* here = scheduler::current_loop();
    return here != nullptr ? *here : state.loop();
}

// Registers fn(handle), to be called on `loop`.
template <class Handle, class F>
CallbackId add_done_callback(FutureState& state, F fn, scheduler::Loop& loop, const CallbackOptions& options = {}) {
    auto* callback = new DoneCallbackOf<Handle, F>(state, std::move(fn), loop, options);
    CallbackId id(*callback);
    if (state.add_waiter(*callback) == FutureState::Add::already_done) callback->wake();  // rule 39
    return id;
}

}  // namespace sync

}  // namespace weft
