#include "sync/failure_trace.hpp"

#include <cstring>

#include "sync/promise.hpp"
#include "sync/stack_frame.hpp"

namespace weft::sync {

namespace {
const void* address_of(const std::exception_ptr& failure) noexcept {
    const void* address = nullptr;
    static_assert(sizeof failure == sizeof address, "an exception_ptr is a pointer");
    std::memcpy(&address, &failure, sizeof address);
    return address;
}
}  // namespace

void FailureTrace::pass(const PromiseBase& promise, const std::exception_ptr& failure) {
    const void* address = address_of(failure);
    const std::type_info* type = failure.__cxa_exception_type();
    if (address != exception_ || type != type_ || (expected_ != nullptr && expected_ != &promise)) {
        sites_.clear();
        left_out_ = 0;
    }
    exception_ = address;
    type_ = type;
    expected_ = promise.caller();
    if (!known(promise.site())) return;
    if (sites_.size() < kMost) {
        sites_.push_back(promise.site());
    } else {
        ++left_out_;
    }
}

void FailureTrace::adopt(const FailureTrace& before, const std::exception_ptr& failure) {
    sites_ = before.sites_;
    left_out_ = before.left_out_;
    exception_ = address_of(failure);
    type_ = failure.__cxa_exception_type();
    expected_ = nullptr;
}

}  // namespace weft::sync
