// Runner: loops that several run() calls share, loop 0 on the caller's thread. run: a Runner made, run and closed.
//
// Invariant: the other loops run only while a run() does; in between all of them stand still at the end of a turn, and
// the tasks that are left with them.
//
// Ctrl-C, while a run() on the main thread lasts and if the program leaves SIGINT alone: the first one cancels the main
// task; if that then ends cancelled, run() throws KeyboardInterrupt. The second one throws it at once, from the loop:
// code that keeps loop 0 from turning is not interrupted, but a third Ctrl-C that finds two unseen ends the program as
// without a handler. Before and after run(), Ctrl-C does what it did.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "api/loop.hpp"
#include "api/run_options.hpp"
#include "scheduler/escape.hpp"
#include "sync/context_var.hpp"
#include "sync/task.hpp"

namespace weft {

namespace scheduler {
class Threads;
}

namespace detail {

// Starts `awaitable` in `context` on a loop that is not running on this thread, stealable.
template <class A>
auto start_main(A&& awaitable, Loop& home, const Context& context) {
    using T = AwaitResult<A>;
    Coro<T> body = sync::to_coro(std::forward<A>(awaitable));
    auto* state = new sync::CoroTaskState<T>(*body.give_away(), home, scheduler::Affinity::stealable);
    Task<T> task{sync::FutureRef(state)};
    state->context() = context.slot();
    state->start();
    return task;
}

}  // namespace detail

// Thread: one at a time.
class Runner {
public:
    // Throws std::invalid_argument for impossible options. The loops are made by the first use.
    explicit Runner(RunOptions options = {});
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    // Closes; what close() would throw is reported.
    ~Runner();

    // Runs `main` as a task that any of the loops may take and returns its value. All runs share one context, a copy of
    // the caller's when the loops were made (rule 206).
    // Throws what main failed with; CancelledError if it ended cancelled, KeyboardInterrupt if that was Ctrl-C's doing;
    // SystemExit or KeyboardInterrupt that left any task or callback; std::runtime_error "Runner is closed", or inside
    // a running loop.
    template <class A>
        requires Awaitable<A>
    AwaitResult<A> run(A&& main) {
        Loop& loop = loop_for("Runner.run()");
        const auto task = detail::start_main(std::forward<A>(main), loop, *context_);
        run_main(task);
        return sync::read_value<AwaitResult<A>>(task.state(), task.state().sole_owner());
    }

    // Returns loop 0, which lives as long as the Runner. Throws std::runtime_error "Runner is closed".
    [[nodiscard]] Loop& get_loop();

    // Cancels all tasks that are left and waits for them, until none is; then closes the loops. Idempotent; a closed
    // Runner runs nothing more, even one that never did. Throws what interrupts that (SystemExit); std::runtime_error
    // inside a running loop, or while run() lasts.
    void close();

private:
    class Running;
    class CtrlC;

    [[nodiscard]] Loop& first() const;
    [[nodiscard]] Loop& loop_for(const char* what);
    void run_main(const AnyTask& main);
    void sweep();
    void close_loops();

    const RunOptions options_;
    scheduler::Escape escape_;
    std::unique_ptr<scheduler::Threads> threads_;
    std::optional<Context> context_;  // made with the loops
    bool closed_ = false;
};

// Runs `main` on new loops: Runner::run and Runner::close, with their exceptions. What main failed with goes before what
// closing fails with, which is then reported.
template <class A>
    requires Awaitable<A>
AwaitResult<A> run(A&& main, RunOptions options = {}) {
    detail::refuse_inside_loop("weft::run()");
    Runner runner(options);
    if constexpr (std::is_void_v<AwaitResult<A>>) {
        runner.run(std::forward<A>(main));
        runner.close();
    } else {
        AwaitResult<A> value = runner.run(std::forward<A>(main));
        runner.close();
        return value;
    }
}

}  // namespace weft
