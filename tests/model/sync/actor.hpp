// Actor: a task that a virtual thread plays, as Puppet (puppet.hpp), and that can end: with an outcome, or with its loop.
// It has a frame that knows its task, so that others may ask where it stands.
//
//     auto* const task = new Actor(loops[0]);  // one reference: the thread's that plays it
//     task->begin(); task->await(future.operator co_await()); task->end(Outcome::value); task->release();
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "scheduler/loop.hpp"
#include "sync/promise.hpp"
#include "sync/task_state.hpp"

namespace weft::model {

class Actor final : private sync::PromiseBase, public sync::TaskState {
public:
    using scheduler::PooledFrame::operator new;
    using scheduler::PooledFrame::operator delete;

    // Nobody else runs this loop.
    explicit Actor(scheduler::Loop& loop) : TaskState(promise(), loop, scheduler::Affinity::pinned, 1), loop_(loop) {
        promise().return_to(*this);
    }

    // Lists it; the runtime has a reference from here on. Then the thread is in its step.
    void begin() {
        enlist();
        retain();
        play();
    }
    void play() { sync::current().task = this; }

    // As co_await. Whatever it throws is thrown here.
    template <class Awaiter>
    decltype(auto) await(Awaiter&& awaiter) {
        if (!awaiter.await_ready() && suspended(awaiter)) {
            while (!std::exchange(resumed_, false)) loop_.step();
        }
        return awaiter.await_resume();
    }
    // As co_await, from which it never returns: the loop is to be closed next, which dismantles the task.
    template <class Awaiter>
    void await_for_good(Awaiter&& awaiter) {
        if (awaiter.await_ready()) return end(sync::Outcome::value);
        using Held = std::remove_cvref_t<Awaiter>;
        auto* const frame = new Held(std::forward<Awaiter>(awaiter));
        end_frame_ = [frame] { delete frame; };
        (void)suspended(*frame);
        sync::current() = {};
    }

    // It returns, or fails with `failure`.
    void end(sync::Outcome outcome, std::exception_ptr failure = nullptr) {
        failure_of_body_ = std::move(failure);
        sync::current() = {};
        if (failure_of_body_ != nullptr) FutureState::failure_ = failure_of_body_;
        complete(outcome);
    }

private:
    sync::PromiseBase& promise() { return *this; }

    template <class Awaiter>
    bool suspended(Awaiter& awaiter) {
        return awaiter.await_suspend(std::coroutine_handle<sync::PromiseBase>::from_promise(promise()));
    }

    void run() noexcept override {
        (void)word_.load(std::memory_order_acquire);  // T2
        resumed_ = true;
    }
    sync::Outcome take_outcome() noexcept override { return sync::Outcome::value; }
    void destroy_body() noexcept override {
        if (end_frame_) end_frame_();
    }
    [[nodiscard]] void* value() noexcept override { return nullptr; }

    scheduler::Loop& loop_;
    std::function<void()> end_frame_;
    std::exception_ptr failure_of_body_;
    bool resumed_ = false;
};

}  // namespace weft::model
