// VirtualLoop: one loop by itself on virtual time, stepped by the test; it counts its turns. A test that cannot go on
// gets the VirtualParker's Deadlock.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "scheduler/handle.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/virtual_parker.hpp"
#include "sync/awaitable.hpp"
#include "sync/context_callback.hpp"
#include "sync/task.hpp"

namespace weft::test {

class VirtualLoop {
public:
    VirtualLoop() {
        auto parker = std::make_unique<scheduler::VirtualParker>();
        parker_ = parker.get();
        loop_ = std::make_unique<scheduler::Loop>(std::move(parker));
    }

    [[nodiscard]] scheduler::Loop& loop() const { return *loop_; }
    [[nodiscard]] int turns() const { return turns_; }
    [[nodiscard]] TimePoint now() const { return parker_->now(); }
    // A step that takes time.
    void advance(Duration by) { parker_->advance(by); }

    void turn() {
        ++turns_;
        loop_->step();
    }
    void turn(int count) {
        for (int i = 0; i < count; ++i) turn();
    }

    template <class A>
    [[nodiscard]] auto create(A&& awaitable) {
        return create_task(std::forward<A>(awaitable), {.loop = loop_.get()});
    }

    template <class A>
    AwaitResult<A> run_until_complete(A&& awaitable) {
        const auto task = create(std::forward<A>(awaitable));
        while (!task.done()) turn();
        task.state().check();
        return sync::read_value<AwaitResult<A>>(task.state(), true);
    }

    // asyncio's call_soon.
    void call_soon(std::function<void()> fn) const {
        auto* callback = new sync::ContextCallback<std::function<void()>>(std::move(fn));
        const Handle handle(*callback);
        loop_->push_pinned(*callback);
    }

    void close() { loop_->close(); }

private:
    scheduler::VirtualParker* parker_;
    std::unique_ptr<scheduler::Loop> loop_;
    int turns_ = 0;
};

}  // namespace weft::test
