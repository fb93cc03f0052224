#include "sync/context_state.hpp"

#include <algorithm>
#include <mutex>

#include "sync/branch.hpp"
#include "sync/context_var.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

namespace {
// Of what runs in no task and no callback. A loop that runs inside it does not see it: its tasks and callbacks took
// their copies when they were made.
ContextSlot& thread_slot() noexcept {
    thread_local ContextSlot slot;
    return slot;
}

const ContextSlot& slot_below_entries(const Current& here) noexcept {
    if (here.branch != nullptr) return here.branch->context_to_read();
    if (here.task != nullptr) return here.task->context();
    return thread_slot();
}

template <class Values>
auto lower_bound(Values& values, ContextKey key) {
    return std::lower_bound(values.begin(), values.end(), key,
                            [](const auto& entry, ContextKey wanted) { return entry.key < wanted; });
}
}  // namespace

constinit scheduler::Atomic<bool> ContextState::any_values_{false};

ContextValueRef ContextState::find(ContextKey key) const {
    const std::lock_guard lock(mutex_);
    if (values_ == nullptr) return nullptr;
    const auto at = lower_bound(*values_, key);
    return at != values_->end() && at->key == key ? at->value : nullptr;
}

ContextValueRef ContextState::exchange(ContextKey key, ContextValueRef value) {
    if (value != nullptr && !any_values()) any_values_.store(true, std::memory_order_relaxed);  // X4
    ContextValueRef old;
    std::shared_ptr<const Values> replaced;  // destroyed after the lock, and with it perhaps a user's value
    const std::lock_guard lock(mutex_);
    auto values = values_ == nullptr ? std::make_shared<Values>() : std::make_shared<Values>(*values_);
    const auto at = lower_bound(*values, key);
    const bool found = at != values->end() && at->key == key;
    if (found) old = at->value;
    if (value == nullptr) {
        if (found) values->erase(at);
    } else if (found) {
        at->value = std::move(value);
    } else {
        values->insert(at, Entry{key, std::move(value)});
    }
    replaced = std::move(values_);
    if (!values->empty()) values_ = std::move(values);
    return old;
}

ContextState* ContextState::copy() const {
    std::shared_ptr<const Values> values;
    {
        const std::lock_guard lock(mutex_);
        values = values_;
    }
    if (values == nullptr) return nullptr;
    auto* copy = new ContextState;
    copy->values_ = std::move(values);
    return copy;
}

ContextState& ContextSlot::get() {
    if (ContextState* state = peek()) return *state;
    auto* made = new ContextState;
    ContextState* seen = nullptr;
    if (state_.compare_exchange_strong(seen, made, std::memory_order_release, std::memory_order_acquire))  // X1
        return *made;
    made->release();
    return *seen;
}

const ContextSlot& context_to_read() noexcept {
    const Current& here = current();
    return here.entered != nullptr ? here.entered->slot() : slot_below_entries(here);
}

ContextState& context_to_write() {
    const Current& here = current();
    if (here.entered != nullptr) return here.entered->slot().get();
    if (TaskState* task = running_task()) return task->context().get();
    return thread_slot().get();
}

bool is_entered(const ContextState& state) noexcept {
    for (const ContextEntry* entry = current().entered; entry != nullptr; entry = entry->outer()) {
        if (entry->slot().peek() == &state) return true;
    }
    return slot_below_entries(current()).peek() == &state;
}

ContextSlot copy_context_to_read() { return context_to_read().copy(); }

Context context_in(ContextSlot& slot) {
    ContextState& state = slot.get();
    state.retain();
    return Context(&state);
}

ContextSlot context_for(const Context* named) { return named == nullptr ? inherit_context() : named->slot(); }

}  // namespace weft::sync
