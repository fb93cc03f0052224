#include "api/runtime.hpp"

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/usable_cores.hpp"
#include "sync/report.hpp"

namespace weft {

namespace {

constexpr long kMostLoops = 1024;

std::size_t checked_loops(long count, const std::string& source, std::string_view value) {
    if (count < 0 || count > kMostLoops) {
        throw std::invalid_argument(source + " is " + std::string(value) +
                                    ": expected 0 (one loop per usable core) or 1 to " + std::to_string(kMostLoops));
    }
    return count == 0 ? scheduler::usable_cores() : static_cast<std::size_t>(count);
}

std::size_t loops_of_environment() {
    const char* text = std::getenv("WEFT_LOOPS");
    if (text == nullptr || *text == '\0') return scheduler::usable_cores();
    const std::string_view value(text);
    long count = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
    if (error != std::errc{} || end != value.data() + value.size()) count = -1;
    return checked_loops(count, "WEFT_LOOPS", value);
}

bool debug_of_environment() {
    const char* text = std::getenv("WEFT_DEBUG");
    return text != nullptr && *text != '\0' && std::string_view(text) != "0";
}

std::unique_ptr<scheduler::Loop> make_loop(scheduler::Neighbours& group) { return std::make_unique<Loop>(group); }

// Awaits the end of a task, whatever it is.
Coro<> end_of(AnyTask task) {
    sync::FutureState& state = task.state();
    try {
        co_await task;
    } catch (...) {
        if (state.outcome() == sync::Outcome::exception) {
            sync::report("unhandled exception during run() shutdown, task " + task.get_name(), state.failure());
        }
    }
}

// Cancels every task but itself and waits for all of them, until none is left (departure from rule 203).
Coro<> cancel_all_tasks() {
    const AnyTask self = current_task();
    for (;;) {
        std::vector<AnyTask> others = all_tasks();
        std::erase(others, self);
        if (others.empty()) co_return;
        for (const AnyTask& task : others) task.cancel();
        for (const AnyTask& task : others) co_await end_of(task);
    }
}

void refuse_inside_loop(const char* what) {
    if (scheduler::current_loop() != nullptr) {
        throw std::runtime_error(std::string(what) + " cannot be called from a running event loop: expected co_await");
    }
}

const RunOptions& checked_outside_loop(const RunOptions& options) {
    refuse_inside_loop("weft::run()");
    return options;
}

}  // namespace

scheduler::Threads::Options detail::thread_options(const RunOptions& options) {
    const long count = options.loops.count();
    return {.loops = count == 0 ? loops_of_environment() : checked_loops(count, "loops", std::to_string(count)),
            .pin_threads = options.pin_threads,
            .debug = scheduler::Threads::kDebugBuild || options.debug || debug_of_environment()};
}

detail::MainLoops::MainLoops(const RunOptions& options)
    : threads_(thread_options(checked_outside_loop(options)), &make_loop) {
    threads_.start(scheduler::Threads::First::callers_thread);
}

detail::MainLoops::~MainLoops() {
    try {
        first().run_until_complete(cancel_all_tasks());
    } catch (...) {
        sync::report("the loops could not be shut down cleanly", std::current_exception());
    }
    threads_.stop();
}

Runtime::Runtime(RunOptions options)
    : threads_(std::make_unique<scheduler::Threads>(detail::thread_options(options), &make_loop)) {
    threads_->start(scheduler::Threads::First::own_thread);
}

Runtime::~Runtime() { stop(); }

void Runtime::stop() {
    refuse_inside_loop("Runtime::stop()");
    {
        const std::lock_guard stopping(stopping_);
        if (std::exchange(stopped_, true)) return;
    }
    try {
        run_coroutine_threadsafe(cancel_all_tasks(), loop(0)).result();
    } catch (...) {
        sync::report("the loops could not be shut down cleanly", std::current_exception());
    }
    threads_->stop();
    for (std::size_t i = 0; i < loops(); ++i) loop(i).close();
}

void Runtime::check_callable() const {
    refuse_inside_loop("Runtime::run()");
    if (stopped_) throw std::runtime_error("Runtime was stopped: Event loop is closed");
}

}  // namespace weft
