#include "api/runner.hpp"

#include <optional>
#include <stdexcept>

#include "api/shutdown.hpp"
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
    const AnyTask& main_;
};

Runner::Runner(RunOptions options) : options_(detail::thread_options(options)) {}

Runner::~Runner() {
    try {
        close();
    } catch (...) {
        sync::report("the loops could not be shut down cleanly", std::current_exception());
    }
}

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
    const Running running(*this, main);
    first().run_until_complete(AnyFuture(main));
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
    if (failure != nullptr) std::rethrow_exception(failure);
}

void Runner::close_loops() {
    set_event_loop(nullptr);
    for (std::size_t i = 0; i < threads_->size(); ++i) static_cast<Loop&>(threads_->loop(i)).close();
}

}  // namespace weft
