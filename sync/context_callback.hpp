// ContextCallback: a Callback that runs in the context in which it was made, or in one that is named (rule 26): what
// call_soon and its kin hand to a loop, and whatever else runs user code from a loop.
//
// An exception is reported from within the context (rule 23).
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "scheduler/handle.hpp"
#include "sync/context_state.hpp"

namespace weft {

struct CallbackOptions {
    const Context* context = nullptr;  // null: a copy of the running code's
};

namespace sync {

template <class F>
class ContextCallback final : public scheduler::Callback {
public:
    explicit ContextCallback(F callable, const CallbackOptions& options = {})
        : context_(context_for(options.context)), callable_(std::move(callable)) {}

private:
    void call() override {
        const ContextEntry entry(context_);
        try {
            std::invoke(*callable_);
        } catch (...) {
            report(std::current_exception());
        }
    }
    void destroy_callable() noexcept override {
        callable_.reset();
        context_ = ContextSlot();
    }

    ContextSlot context_;
    std::optional<F> callable_;
};

}  // namespace sync

}  // namespace weft
