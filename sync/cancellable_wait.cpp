#include "sync/cancellable_wait.hpp"

#include <new>
#include <string>
#include <utility>

#include "sync/errors.hpp"

namespace weft::sync {

bool CancellableWait::cancel(std::string_view message) noexcept {
    // Made before it leaves: from then on nothing may fail.
    std::exception_ptr failure;
    try {
        if (!message.empty()) failure = std::make_exception_ptr(CancelledError(std::string(message)));
    } catch (const std::bad_alloc&) {
        // The request matters more than its text.
    }
    if (!leave_cancelled()) return false;
    cancelled_ = true;
    failure_ = std::move(failure);
    task_->wake();  // the canceller has borrowed the task: it does not resume before this returns
    return true;
}

void CancellableWait::throw_cancelled() const {
    if (cancelled_) task_->throw_cancelled(failure_);
    task_->throw_cancelled();
}

}  // namespace weft::sync
