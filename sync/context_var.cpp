#include "sync/context_var.hpp"

#include <stdexcept>

#include "scheduler/invalid_state.hpp"

namespace weft {

void Context::check_enterable() const {
    if (sync::is_entered(*state_)) throw std::runtime_error("cannot enter context: this Context is already entered");
}

Context copy_context() {
    const sync::ContextState* state = sync::context_to_read().peek();
    return Context(state == nullptr ? nullptr : state->copy());
}

namespace sync {

namespace {
ContextKey next_key() {
    static constinit scheduler::Atomic<ContextKey> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;  // only unique
}

std::string quoted(const std::string& name) { return "<ContextVar name='" + name + "'>"; }
}  // namespace

ContextVarBase::ContextVarBase(std::string_view name) : name_(name), key_(next_key()) {}

ContextValueRef ContextVarBase::find() const {
    const ContextState* state = context_to_read().peek();
    return state == nullptr ? nullptr : state->find(key_);
}

Token ContextVarBase::set_value(ContextValueRef value) const {
    ContextState& state = context_to_write();
    state.retain();
    const Context context(&state);
    ContextValueRef before = state.exchange(key_, value);
    return {key_, context, std::move(value), std::move(before)};
}

void ContextVarBase::reset(const Token& token) const {
    if (token.set_ == nullptr) throw InvalidStateError("Token is empty: expected one that set() gave");
    const auto throw_used = [this] {
        throw std::runtime_error("<Token used var=" + quoted(name_) + "> has already been used once");
    };
    if (token.set_->token_used()) throw_used();
    if (token.variable_ != key_) {
        throw std::invalid_argument("<Token> was created by a different ContextVar: expected one of " + quoted(name_));
    }
    ContextState& state = context_to_write();
    state.retain();
    if (*token.context_ != Context(&state)) {
        throw std::invalid_argument("<Token var=" + quoted(name_) + "> was created in a different Context");
    }
    if (!token.set_->use_token()) throw_used();
    state.exchange(key_, token.before_);
}

void ContextVarBase::throw_missing() const {
    throw std::out_of_range(quoted(name_) + " has no value: expected one set in this context");
}

}  // namespace sync

}  // namespace weft
