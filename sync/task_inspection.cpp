// What a task says about itself: see TaskState::standing, trace and repr.
#include <algorithm>
#include <thread>
#include <utility>

#include "scheduler/schedule.hpp"
#include "sync/branch.hpp"
#include "sync/stack_frame.hpp"
#include "sync/task.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

std::string in_words(const std::source_location& place) {
    return std::string(place.file_name()) + ':' + std::to_string(place.line()) + ", in " + place.function_name();
}

PromiseBase* PromiseBase::caller() const noexcept {
    switch (returns()) {
        case Returns::to_call: return call().caller_;
        case Returns::to_branch: return &branch().parent();
        case Returns::to_task: break;
    }
    return nullptr;
}

void PromiseBase::trace_failure() const noexcept {
    if (TaskState* task = current().task) task->trace_failure(*this, failure_);
}

void PromiseBase::rethrow_failure() {
    if (returns() == Returns::to_branch) {
        if (const TaskState* task = branch().task()) TaskState::carry_trace(*task, failure_);
    }
    std::rethrow_exception(std::move(failure_));
}

void TaskState::trace_failure(const PromiseBase& promise, const std::exception_ptr& failure) noexcept {
    if (is_cancellation(failure)) return;  // nothing has failed, and there may be very many
    try {
        details().trace.pass(promise, failure);
        traced_ = true;
    } catch (const std::bad_alloc&) {
        // The failure matters more than its way.
    }
}

void TaskState::carry_trace(const TaskState& from, const std::exception_ptr& failure) noexcept {
    TaskState* to = current().task;
    const FailureTrace* trace = from.trace();
    if (to == nullptr || to == &from || trace == nullptr || trace->sites().empty()) return;
    try {
        to->details().trace.adopt(*trace, failure);
        to->traced_ = true;
    } catch (const std::bad_alloc&) {
        // As above.
    }
}

const FailureTrace* TaskState::trace() const noexcept {
    if (!done() || outcome() != Outcome::exception || !traced_) return nullptr;
    return &details_.load(std::memory_order_relaxed)->trace;  // F1 has brought them
}

std::string TaskState::repr() const {
    const char* state = "pending";
    if (done()) state = outcome() == Outcome::cancelled ? "cancelled" : "finished";
    std::string text = std::string("<Task ") + state + " name='" + name() + '\'';
    if (known(created_at_)) text += " created at " + sync::in_words(created_at_);
    return text + '>';
}

std::string TaskState::describe() const {
    std::string text = "<Task name='" + name() + '\'';
    if (known(created_at_)) text += " created at " + sync::in_words(created_at_);
    if (entered_ && innermost_ != nullptr && known(innermost_->site())) {
        text += ", last awaiting at " + sync::in_words(innermost_->site());
    }
    return text + '>';
}

Standing TaskState::standing() {
    Standing standing;
    if (borrow()) {
        struct GiveBack {
            TaskState& task;
            ~GiveBack() { task.give_back(); }
        } const give_back{*this};
        standing.sites = sites();
        standing.awaits = awaited_->in_words();
        standing.from_outside = awaited_->ends_from_outside();
    } else if (queued_here()) {
        standing.sites = sites();
    }
    return standing;
}

// As a canceller borrows it: a wake that comes meanwhile is left to give_back. Returns false if the task does not wait,
// or somebody holds it while this thread is inside of a request itself, perhaps the very one that holds it.
bool TaskState::borrow() noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        if ((word & kWaiting) == 0) return false;
        if ((word & kBorrowed) != 0) {
            if (in_request()) return false;
            std::this_thread::yield();
            word = word_.load(std::memory_order_relaxed);
        } else if (word_.compare_exchange_weak(word, word | kBorrowed, std::memory_order_acquire,  // T1
                                               std::memory_order_relaxed)) {
            return true;
        }
    }
}

void TaskState::give_back() noexcept {
    scheduler::Shell& home = *home_;
    const std::uint32_t generation = home.generation();
    const scheduler::Affinity affinity = affinity_;
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        // A canceller that came meanwhile has left its request to the next suspension: it is this one.
        const bool requested = (word & (kCancelRequested | kWoken)) == kCancelRequested;
        std::uint64_t next = word & ~kCancelRequested;
        if (!requested) next = word & ~((word & kWoken) != 0 ? kBorrowed | kWoken | kWaiting : kBorrowed);
        if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,  // T3
                                        std::memory_order_relaxed)) {
            if (requested) return pass_request_on();
            if ((word & kWoken) != 0) (void)scheduler::schedule(*this, home, affinity, generation);
            return;
        }
    }
}

// Nobody but this loop may begin its next step, and this thread is not in it. (An inline branch is inside of others.)
bool TaskState::queued_here() const noexcept {
    const scheduler::Loop* here = scheduler::current_loop();
    if (here == nullptr || &here->shell() != home_ || done()) return false;
    if (!here->alone() && affinity_ != scheduler::Affinity::pinned) return false;
    return entered_ && current().task != this && current().branch == nullptr && !in_eager_step();
}

std::vector<std::source_location> TaskState::sites() const {
    std::vector<std::source_location> sites;
    for (const PromiseBase* promise = innermost_; promise != nullptr; promise = promise->caller()) {
        if (known(promise->site())) sites.push_back(promise->site());
    }
    std::reverse(sites.begin(), sites.end());
    return sites;
}

std::vector<StackFrame> stack_of(TaskState& task, std::size_t limit, const std::source_location& here) {
    std::vector<std::source_location> sites;
    const Current& running = current();
    if ((running.branch != nullptr ? running.branch->task() : running.task) == &task) {
        sites.push_back(here);
    } else if (const FailureTrace* trace = task.trace()) {
        sites.assign(trace->sites().rbegin(), trace->sites().rend());
    } else {
        sites = task.standing().sites;
    }
    std::vector<StackFrame> frames;
    for (const std::source_location& site : sites) {
        if (known(site)) frames.push_back(frame_at(site));
    }
    if (frames.size() > limit) frames.erase(frames.begin(), frames.end() - static_cast<std::ptrdiff_t>(limit));
    return frames;
}

void print_stack_of(TaskState& task, std::size_t limit, std::FILE* file, const std::source_location& here) {
    const std::vector<StackFrame> frames = stack_of(task, limit, here);
    std::string text = frames.empty() ? "No stack for " : task.trace() != nullptr ? "Traceback for " : "Stack for ";
    text += task.repr() + (frames.empty() ? "\n" : " (most recent call last):\n");
    for (const StackFrame& frame : frames) {
        text.append("  ").append(frame.file).append(":").append(std::to_string(frame.line));
        text.append(", in ").append(frame.function).append("\n");
    }
    std::fputs(text.c_str(), file == nullptr ? stderr : file);
}

}  // namespace weft::sync
