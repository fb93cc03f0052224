// Puppet: a task without a coroutine: a virtual thread plays the coroutine, await by await. All that races is real: the
// task's word, its awaiters, the shell and the inbox of its loop; only the steps between two awaits are the thread's.
//
//     Loops loops(1);
//     Puppet task(loops[0]);
//     together({[&] { task.play(); task.await(lock.acquire()); }, [&] { task.cancel({}); }});
#pragma once

#include <coroutine>
#include <functional>
#include <type_traits>
#include <utility>

#include "scheduler/loop.hpp"
#include "sync/promise.hpp"
#include "sync/task_state.hpp"

namespace weft::model {

class Puppet final : private sync::PromiseBase, public sync::TaskState {
public:
    using scheduler::PooledFrame::operator new;
    using scheduler::PooledFrame::operator delete;

    // Nobody else runs this loop.
    explicit Puppet(scheduler::Loop& loop) : TaskState(promise(), loop, scheduler::Affinity::pinned, 1), loop_(loop) {}

    // From here on the thread is in this task's step.
    void play() { sync::current().task = this; }

    // As co_await. Whatever it throws is thrown here.
    template <class Awaiter>
    decltype(auto) await(Awaiter&& awaiter) {
        if (!awaiter.await_ready() && suspended(awaiter)) sleep();
        return awaiter.await_resume();
    }

    // As co_await, and the loop closes before the wait is over: the task is dismantled, its frame ends.
    template <class Awaiter>
    void await_until_loop_closes(Awaiter&& awaiter) {
        if (awaiter.await_ready()) return;
        enlist();
        retain();
        struct Frame {
            std::remove_cvref_t<Awaiter> awaiter;
        };
        auto* const frame = new Frame{std::forward<Awaiter>(awaiter)};
        end_frame_ = [frame] { delete frame; };
        (void)suspended(frame->awaiter);
        dismantle();
    }

private:
    sync::PromiseBase& promise() { return *this; }

    template <class Awaiter>
    bool suspended(Awaiter& awaiter) {
        return awaiter.await_suspend(std::coroutine_handle<sync::PromiseBase>::from_promise(promise()));
    }
    void sleep() {
        while (!std::exchange(resumed_, false)) loop_.step();
    }

    void run() noexcept override {
        (void)word_.load(std::memory_order_acquire);  // T2
        resumed_ = true;
    }
    sync::Outcome take_outcome() noexcept override { return sync::Outcome::value; }
    void destroy_body() noexcept override { end_frame_(); }
    [[nodiscard]] void* value() noexcept override { return nullptr; }

    scheduler::Loop& loop_;
    std::function<void()> end_frame_;
    bool resumed_ = false;
};

}  // namespace weft::model
