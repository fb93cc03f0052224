#include "api/runner.hpp"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "api/make_loops.hpp"
#include "api/shutdown.hpp"
#include "io/signals.hpp"
#include "io/watch.hpp"
#include "sync/errors.hpp"
#include "sync/report.hpp"

namespace weft {

// The time in which the loops run for `main`.
class Runner::Running {
public:
    Running(Runner& runner, const AnyTask& main) : runner_(runner), main_(main) {
        try {
            runner_.threads_->start(scheduler::Threads::First::callers_thread);
        } catch (...) {
            runner_.threads_->stop();
            throw;
        }
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        runner_.threads_->stop();
        const std::exception_ptr late = runner_.escape_.forget();
        if (late == nullptr || (main_.done() && late == main_.state().failure())) return;
        sync::report("run() had ended before it could be interrupted", late);
    }

private:
    Runner& runner_;
    const AnyTask main_;  // not a reference: sweep() gives a temporary
};

// Ctrl-C for the time of a run(): rules 209, 210. Not off the main thread, nor if the program has a handler of its own.
class Runner::CtrlC {
public:
    CtrlC(Loop& loop, const AnyTask& main) : loop_(loop) {
        struct sigaction action{};
        const bool on_main_thread = ::getpid() == ::gettid();
        if (!on_main_thread || ::sigaction(SIGINT, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) return;
        auto interrupt = [count = count_, main] {
            if (++*count != 1 || main.done()) throw KeyboardInterrupt();
            main.cancel();
        };
        Signals::of(loop).watch(SIGINT, io::make_watch(std::move(interrupt)), io::Signals::Unseen::third_kills);
    }
    CtrlC(const CtrlC&) = delete;
    CtrlC& operator=(const CtrlC&) = delete;
    ~CtrlC() {
        if (watches()) Signals::of(loop_).unwatch(SIGINT);
    }

    // How often it was pressed, as far as the loop has seen it.
    [[nodiscard]] int count() const { return *count_; }
    // True if it was pressed and main's end came before the loop saw it.
    [[nodiscard]] bool missed() const { return watches() && Signals::of(loop_).undelivered(SIGINT) != 0; }

private:
    using Signals = scheduler::LoopLocal<io::Signals>;

    // If the callback is gone, the program has replaced it by its own.
    [[nodiscard]] bool watches() const { return count_.use_count() > 1; }

    Loop& loop_;
    const std::shared_ptr<int> count_ = std::make_shared<int>(0);
};

Runner::Runner(RunOptions options) : options_(detail::with_environment(options)) {}

Runner::~Runner() {
    try {
        close();
    } catch (...) {
        sync::report("the loops could not be shut down cleanly", std::current_exception());
    }
}

Loop& Runner::first() const { return static_cast<Loop&>(threads_->loop(0)); }

Loop& Runner::get_loop() {
    if (closed_) throw std::runtime_error("Runner is closed");
    if (threads_ == nullptr) {
        threads_ = detail::make_loops(options_, [this](std::exception_ptr exception) {
            if (escape_.send(exception, first()) == scheduler::Escape::Sending::second)
                sync::report("run() is being interrupted already", exception);
        });
        context_ = copy_context();
        set_event_loop(&first());
    }
    return first();
}

Loop& Runner::loop_for(const char* what) {
    detail::refuse_inside_loop(what);
    Loop& loop = get_loop();
    if (loop.is_running()) throw std::runtime_error("This event loop is already running");
    return loop;
}

void Runner::run_main(const AnyTask& main) {
    const CtrlC ctrl_c(first(), main);
    const Running running(*this, main);
    try {
        first().run_until_complete(AnyFuture(main));
    } catch (const CancelledError&) {
        if (ctrl_c.count() > 0 && main.uncancel() == 0) throw KeyboardInterrupt();
        throw;
    }
    // Not to be lost: in asyncio it would have cancelled main in its last step (rule 84).
    if (ctrl_c.missed()) throw KeyboardInterrupt();
}

void Runner::close() {
    if (closed_) return;
    if (threads_ == nullptr) {
        closed_ = true;
        return;
    }
    detail::refuse_inside_loop("Runner.close()");
    if (first().is_running()) throw std::runtime_error("Cannot close a running event loop");
    closed_ = true;
    struct Closing {
        Runner& runner;
        ~Closing() { runner.close_loops(); }
    } const closing{*this};
    sweep();
}

// An interruption does not end the sweep: whoever waits still gets its cancellation, and the first one is thrown then.
void Runner::sweep() {
    const bool alone = !detail::tasks_left(first());
    const Task<> sweeping = first().create_task(detail::shut_down());
    std::optional<Running> running;
    if (!alone) running.emplace(*this, sweeping);  // else the other loops have nothing to do
    std::exception_ptr failure;
    while (!sweeping.done()) {
        try {
            first().run_until_complete(sweeping);
        } catch (...) {
            if (failure != nullptr) {
                sync::report("interrupted again while closing", std::current_exception());
            } else {
                failure = std::current_exception();
            }
        }
    }
    if (running) {  // what left another loop just when the last task ended is thrown, too
        threads_->stop();
        const std::exception_ptr late = escape_.forget();
        if (failure == nullptr) {
            failure = late;
        } else if (late != nullptr && late != failure) {
            sync::report("interrupted again while closing", late);
        }
    }
    if (failure != nullptr) std::rethrow_exception(failure);
}

void Runner::close_loops() {
    set_event_loop(nullptr);
    for (std::size_t i = 0; i < threads_->size(); ++i) static_cast<Loop&>(threads_->loop(i)).close();
}

}  // namespace weft
