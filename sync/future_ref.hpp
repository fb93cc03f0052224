// FutureRef: a counted reference to a FutureState.
#pragma once

#include <utility>

#include "sync/errors.hpp"
#include "sync/future_state.hpp"

namespace weft::sync {

// Empty: InvalidStateError on use.
class FutureRef {
public:
    FutureRef() = default;
    // Takes over a reference.
    explicit FutureRef(FutureState* state) noexcept : state_(state) {}
    FutureRef(const FutureRef& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) state_->retain();
    }
    FutureRef(FutureRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    FutureRef& operator=(FutureRef other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~FutureRef() {
        if (state_ != nullptr) state_->release();
    }

    [[nodiscard]] FutureState& get() const {
        if (state_ == nullptr)
            throw InvalidStateError("the handle is empty: expected a Future or Task that was created");
        return *state_;
    }
    [[nodiscard]] FutureState* pointer() const noexcept { return state_; }

private:
    FutureState* state_ = nullptr;
};

}  // namespace weft::sync
