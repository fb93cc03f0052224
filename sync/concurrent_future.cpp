#include "sync/concurrent_future.hpp"

namespace weft::sync {

bool ConcurrentLink::wait(std::optional<Duration> timeout) {
    if (self_.done()) return true;
    if (scheduler::current_loop() != nullptr) {
        throw std::runtime_error(
            "result() of a pending ConcurrentFuture was called on a loop's thread: expected a plain thread, or co_await "
            "wrap_future(...)");
    }
    std::unique_lock lock(mutex_);
    if (!watching_) {
        watching_ = true;
        if (self_.add_waiter(*this) == FutureState::Add::already_done) woken_ = true;
    }
    const auto woken = [this] { return woken_; };
    if (!timeout) {
        ended_.wait(lock, woken);
        return true;
    }
    return ended_.wait_for(lock, *timeout, woken);
}

void ConcurrentLink::wake() noexcept {
    // Notified under the lock: a woken thread may drop the last handle as soon as the lock is free.
    const std::lock_guard lock(mutex_);
    woken_ = true;
    ended_.notify_all();
}

bool ConcurrentLink::attach(FutureRef task) {
    const std::lock_guard lock(mutex_);
    task_ = std::move(task);
    return !self_.done();
}

void ConcurrentLink::cancel_task(std::string_view message) noexcept {
    FutureRef task;
    {
        const std::lock_guard lock(mutex_);
        task = task_;
    }
    // Not attached yet: attach() will see that the future is done.
    if (task.pointer() != nullptr) task.get().cancel(message);
}

}  // namespace weft::sync
