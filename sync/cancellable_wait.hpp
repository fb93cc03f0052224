// CancellableWait: what a task waits for when it has parked itself, and how a cancellation ends that.
//
// Invariant: a wait ends once: it is granted, or cancelled by who gets it out of its line (leave_cancelled); that one
// wakes the task. What the canceller writes it writes before the wake, with the task borrowed.
#pragma once

#include <exception>
#include <string_view>

#include "sync/future_state.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

class CancellableWait : public Awaited {
public:
    // False if it was granted: then its task says what becomes of that.
    bool cancel(std::string_view message) noexcept final;
    void keep(TaskState& waiter) noexcept final { waiter.retain(); }

    // --- once its task has resumed -----------------------------------------------------------------------------

    // It is to get a CancelledError: it was cancelled in line, or after it had been granted something.
    [[nodiscard]] bool interrupted() const noexcept { return cancelled_ || task_->cancel_pending(); }
    // Throws that. Once it is settled what became of the wait.
    [[noreturn]] void throw_cancelled() const;

protected:
    CancellableWait() = default;
    ~CancellableWait() = default;

    // Nobody can grant it any more. Returns false if somebody did.
    virtual bool leave_cancelled() noexcept = 0;

    // Before anybody may grant it. An awaiter may be awaited again.
    void begin(TaskState& task) noexcept {
        task_ = &task;
        cancelled_ = false;
    }
    // Null until it has begun.
    [[nodiscard]] TaskState* task() const noexcept { return task_; }

private:
    TaskState* task_ = nullptr;
    std::exception_ptr failure_;  // of a cancellation with a message
    bool cancelled_ = false;
};

}  // namespace weft::sync
