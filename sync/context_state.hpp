// ContextState: one context: what the context variables are set to; and where the running code's context is found.
//
// A ContextState is counted and can be shared: by a task and its creator's `.context`, a callback, a Context handle. It
// points to its values, an immutable array that copies share: copying a context counts one reference. A slot is where
// somebody keeps the context that it runs in. An empty slot is an empty context, so a program that never sets a
// variable makes none of this.
//
//     running code                 its context
//     a task's step                the task's slot
//     an inline branch             that of what forked it; a write makes it a task, with a copy of its own
//     a callback, Context::run     the innermost ContextEntry's slot
//     all else                     the thread's slot
//
// Invariant: a slot that holds a ContextState keeps it. Values are destroyed and copied outside of the mutex.
//
// Orderings
//   X1 slot: release CAS from null, acquire loads             who sees the state sees it made (a handle on any thread)
//   X2 references: relaxed in retain, acq_rel in release      the last owner sees everything before it destroys
//   X3 token used: relaxed exchange                           one reset per token; the values are the mutex's
//   X4 any values: relaxed                                    a task's creator set its variables before it
//
// Thread: a ContextState and a slot's get() any; entries and the running code's context are the thread's own.
// Rejected: slots that share values without a state of their own until the first write (a foreign look at a task's
// context would pull the array from under its readers); a persistent tree (there are few variables).
// Source: CPython's Python/context.c.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "scheduler/atomic.hpp"
#include "scheduler/frame_memory.hpp"
#include "sync/current.hpp"

namespace weft {

class Context;

namespace sync {

// A variable's value in a context, and whether the token of the set() that put it there was used.
class ContextValue {
public:
    [[nodiscard]] bool token_used() const noexcept { return token_used_.load(std::memory_order_relaxed); }  // X3
    // True for the first caller.
    [[nodiscard]] bool use_token() noexcept { return !token_used_.exchange(true, std::memory_order_relaxed); }  // X3

private:
    scheduler::Atomic<bool> token_used_{false};
};

template <class T>
class ContextValueOf final : public ContextValue {
public:
    explicit ContextValueOf(T value) : value_(std::move(value)) {}
    [[nodiscard]] const T& value() const noexcept { return value_; }

private:
    T value_;
};

using ContextValueRef = std::shared_ptr<ContextValue>;
// Never used twice, so a variable may die before the contexts in which it is set.
using ContextKey = std::uint64_t;

class ContextState : public scheduler::PooledFrame {
public:
    ContextState() = default;
    ContextState(const ContextState&) = delete;
    ContextState& operator=(const ContextState&) = delete;

    // Returns null if the variable has no value here.
    [[nodiscard]] ContextValueRef find(ContextKey key) const;
    // Sets the variable, or removes it if `value` is null. Returns what it was.
    ContextValueRef exchange(ContextKey key, ContextValueRef value);
    // Returns a new context with the same values, null for none at all. The caller owns the reference.
    [[nodiscard]] ContextState* copy() const;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // X2
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // X2
    }

    // False until a variable is set in any context of the process.
    [[nodiscard]] static bool any_values() noexcept { return any_values_.load(std::memory_order_relaxed); }  // X4

private:
    struct Entry {
        ContextKey key;
        ContextValueRef value;
    };
    using Values = std::vector<Entry>;  // by key

    static scheduler::Atomic<bool> any_values_;

    mutable scheduler::Mutex mutex_;
    std::shared_ptr<const Values> values_;  // under the mutex; null: none
    scheduler::LoneAtomic<std::uint32_t> references_{1};
};

// Where somebody keeps the context that it runs in.
class ContextSlot {
public:
    ContextSlot() = default;
    // Takes over a reference; null: an empty context.
    explicit ContextSlot(ContextState* state) noexcept : state_(state) {}
    // Only of a slot that nobody shares yet.
    ContextSlot(ContextSlot&& other) noexcept : state_(other.take()) {}
    ContextSlot& operator=(ContextSlot&& other) noexcept {
        ContextState* taken = other.take();
        drop();
        state_.store(taken, std::memory_order_relaxed);
        return *this;
    }
    ~ContextSlot() { drop(); }

    // Returns null for an empty context.
    [[nodiscard]] ContextState* peek() const noexcept { return state_.load(std::memory_order_acquire); }  // X1
    // Makes an empty context one that can be written. Throws std::bad_alloc.
    [[nodiscard]] ContextState& get();
    [[nodiscard]] ContextSlot copy() const {
        const ContextState* state = peek();
        return ContextSlot(state == nullptr ? nullptr : state->copy());
    }

private:
    [[nodiscard]] ContextState* take() noexcept {
        ContextState* state = state_.load(std::memory_order_relaxed);
        if (state != nullptr) [[unlikely]]
            state_.store(nullptr, std::memory_order_relaxed);
        return state;
    }
    void drop() noexcept {
        if (ContextState* state = peek()) [[unlikely]]
            state->release();
    }

    scheduler::Atomic<ContextState*> state_{nullptr};
};

// While it lives, what runs on this thread runs in `slot`. Never across a suspension.
class ContextEntry {
public:
    explicit ContextEntry(ContextSlot& slot) noexcept : slot_(slot), outer_(std::exchange(current().entered, this)) {}
    ContextEntry(const ContextEntry&) = delete;
    ContextEntry& operator=(const ContextEntry&) = delete;
    ~ContextEntry() { current().entered = outer_; }

    [[nodiscard]] ContextSlot& slot() const noexcept { return slot_; }
    [[nodiscard]] const ContextEntry* outer() const noexcept { return outer_; }

private:
    ContextSlot& slot_;
    ContextEntry* const outer_;
};

// --- the running code's context --------------------------------------------------------------------------------------

// To be read; valid while the running code runs.
[[nodiscard]] const ContextSlot& context_to_read() noexcept;
// To be written: makes a task of an inline branch. Throws std::bad_alloc.
[[nodiscard]] ContextState& context_to_write();
// True if `state` is the running code's context or surrounds it.
[[nodiscard]] bool is_entered(const ContextState& state) noexcept;

[[nodiscard]] ContextSlot copy_context_to_read();
// What a new task or callback starts with.
[[nodiscard]] inline ContextSlot inherit_context() {
    return ContextState::any_values() ? copy_context_to_read() : ContextSlot();
}
// The same, unless a context is named: then that very one.
[[nodiscard]] ContextSlot context_for(const Context* named);
// A handle to the context in the slot. Throws std::bad_alloc.
[[nodiscard]] Context context_in(ContextSlot& slot);

}  // namespace sync

}  // namespace weft
