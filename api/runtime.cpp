#include "api/runtime.hpp"

#include <stdexcept>
#include <utility>

#include "api/make_loops.hpp"
#include "api/shutdown.hpp"
#include "sync/report.hpp"

namespace weft {

namespace {
void report_interruption(const std::exception_ptr& exception) {
    sync::report("a Runtime's loop was interrupted and runs on", exception);
}
}  // namespace

Runtime::Runtime(RunOptions options)
    : threads_(detail::make_loops(detail::with_environment(options), &report_interruption)) {
    threads_->start(scheduler::Threads::First::own_thread);
}

std::size_t Runtime::loops() const { return threads_->size(); }

Loop& Runtime::loop(std::size_t i) const { return static_cast<Loop&>(threads_->loop(i)); }

Runtime::~Runtime() { stop(); }

void Runtime::stop() {
    detail::refuse_inside_loop("Runtime::stop()");
    {
        const std::lock_guard stopping(stopping_);
        if (std::exchange(stopped_, true)) return;
    }
    try {
        run_coroutine_threadsafe(detail::shut_down(), loop(0)).result();
    } catch (...) {
        sync::report("the loops could not be shut down cleanly", std::current_exception());
    }
    threads_->stop();
    for (std::size_t i = 0; i < loops(); ++i) loop(i).close();
}

void Runtime::check_callable() const {
    detail::refuse_inside_loop("Runtime::run()");
    if (stopped_) throw std::runtime_error("Runtime was stopped: Event loop is closed");
}

}  // namespace weft
