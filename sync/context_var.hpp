// ContextVar<T>: a variable with one value per context: per task, per request. Context: a handle to a context.
//
//     ContextVar<std::string> request_id{"request_id"};
//     request_id.set("42");              // in this task; tasks and callbacks made from now on start with it
//     auto token = request_id.set("43"); ... request_id.reset(token);
//
// A task or callback starts with a copy of the context of the code that made it, so what it sets is its own; with
// `.context = &ctx` it runs in that very one. Reading needs no loop and works on any thread. Rules 26, 38, 55.
//
// Invariant: a value is never changed in place: get() copies, set() replaces. Two tasks that run in one context on two
// loops race only for which value is the last.
//
// Thread: any. Cost: get() one uncontended lock and a search among the variables that are set; set() copies that list;
// making a task one allocation more if its creator has set anything, nothing otherwise.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sync/context_state.hpp"

namespace weft {

namespace sync {
class ContextVarBase;
}

template <class T>
class ContextVar;

// A handle to a context: copies of it name the same one; copy() makes another.
class Context {
public:
    // A new, empty context.
    Context() : Context(new sync::ContextState) {}
    Context(const Context& other) noexcept : state_(other.state_) { state_->retain(); }
    Context& operator=(const Context& other) noexcept {
        other.state_->retain();
        std::exchange(state_, other.state_)->release();
        return *this;
    }
    ~Context() { state_->release(); }

    // Returns the variable's value here. Throws std::out_of_range if it was not set here, even if it has a fallback.
    template <class T>
    [[nodiscard]] T get(const ContextVar<T>& variable) const {
        return variable.in(*state_);
    }
    template <class T>
    [[nodiscard]] T get(const ContextVar<T>& variable, std::type_identity_t<T> fallback) const {
        return variable.in(*state_, std::move(fallback));
    }

    // Calls fn(args...) in this context: what it sets stays here. A Coro that it returns does not run in it.
    // Throws std::runtime_error if the running code is in this context already.
    template <class F, class... Args>
        requires std::invocable<F, Args...>
    decltype(auto) run(F&& fn, Args&&... args) const {
        check_enterable();
        sync::ContextSlot entered = slot();
        const sync::ContextEntry entry(entered);
        return std::invoke(std::forward<F>(fn), std::forward<Args>(args)...);
    }

    // Returns another context with the same values. Cost: constant.
    [[nodiscard]] Context copy() const { return Context(state_->copy()); }

    // The same context, not merely the same values.
    friend bool operator==(const Context& a, const Context& b) noexcept { return a.state_ == b.state_; }

    // For what runs in it. Takes over a reference; null: a new one.
    explicit Context(sync::ContextState* state) : state_(state != nullptr ? state : new sync::ContextState) {}
    [[nodiscard]] sync::ContextSlot slot() const noexcept {
        state_->retain();
        return sync::ContextSlot(state_);
    }

    // Throws std::runtime_error if the running code is in it.
    void check_enterable() const;

private:
    sync::ContextState* state_;
};

// Returns a copy of the running code's context. Cost: constant.
[[nodiscard]] Context copy_context();

// What set() gives to undo it, once.
class Token {
public:
    Token() = default;

private:
    friend class sync::ContextVarBase;
    Token(sync::ContextKey variable, Context context, sync::ContextValueRef set, sync::ContextValueRef before)
        : variable_(variable), context_(std::move(context)), set_(std::move(set)), before_(std::move(before)) {}

    sync::ContextKey variable_ = 0;
    std::optional<Context> context_;
    sync::ContextValueRef set_;
    sync::ContextValueRef before_;
};

namespace sync {

// What does not depend on the type.
class ContextVarBase {
public:
    ContextVarBase(const ContextVarBase&) = delete;
    ContextVarBase& operator=(const ContextVarBase&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    // Takes back the set() that gave the token. Throws std::runtime_error if the token was used, std::invalid_argument
    // if it is another variable's or of another context than the running code's, InvalidStateError if it is empty.
    void reset(const Token& token) const;

protected:
    explicit ContextVarBase(std::string_view name);
    ~ContextVarBase() = default;

    [[nodiscard]] ContextValueRef find() const;
    [[nodiscard]] ContextValueRef find_in(const ContextState& state) const { return state.find(key_); }
    Token set_value(ContextValueRef value) const;
    [[noreturn]] void throw_missing() const;

private:
    const std::string name_;
    const ContextKey key_;
};

}  // namespace sync

template <class T>
class ContextVar : public sync::ContextVarBase {
    static_assert(std::copy_constructible<T>, "get() copies: of what cannot be copied keep a std::shared_ptr");

public:
    using value_type = T;

    explicit ContextVar(std::string_view name) : ContextVarBase(name) {}
    // `fallback` is what get() returns in contexts in which the variable is not set.
    ContextVar(std::string_view name, T fallback) : ContextVarBase(name), fallback_(std::move(fallback)) {}

    // Throws std::out_of_range if it is not set and there is no fallback.
    [[nodiscard]] T get() const {
        if (const sync::ContextValueRef value = find()) return value_of(*value);
        if (!fallback_) throw_missing();
        return *fallback_;
    }
    // Returns `fallback` if it is not set.
    [[nodiscard]] T get(T fallback) const {
        if (const sync::ContextValueRef value = find()) return value_of(*value);
        return fallback;
    }

    // In the running code's context. The token may be ignored.
    // NOLINTNEXTLINE(modernize-use-nodiscard)
    Token set(T value) const { return set_value(std::make_shared<sync::ContextValueOf<T>>(std::move(value))); }

private:
    friend class Context;

    static const T& value_of(const sync::ContextValue& value) {
        return static_cast<const sync::ContextValueOf<T>&>(value).value();
    }
    [[nodiscard]] T in(const sync::ContextState& state) const {
        if (const sync::ContextValueRef value = find_in(state)) return value_of(*value);
        throw_missing();
    }
    [[nodiscard]] T in(const sync::ContextState& state, T fallback) const {
        if (const sync::ContextValueRef value = find_in(state)) return value_of(*value);
        return fallback;
    }

    const std::optional<T> fallback_;
};

}  // namespace weft
