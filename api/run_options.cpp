#include "api/run_options.hpp"

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "api/loop.hpp"
#include "api/make_loops.hpp"
#include "scheduler/usable_cores.hpp"

namespace weft::detail {

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

}  // namespace

bool debug_of_environment() {
    const char* text = std::getenv("WEFT_DEBUG");
    return text != nullptr && *text != '\0' && std::string_view(text) != "0";
}

RunOptions with_environment(const RunOptions& options) {
    const long count = options.loops.count();
    return {.loops = count == 0 ? loops_of_environment() : checked_loops(count, "loops", std::to_string(count)),
            .debug = options.debug || debug_of_environment(),
            .pin_threads = options.pin_threads,
            .bounds_parks = options.bounds_parks};
}

scheduler::Threads::Options thread_options(const RunOptions& options) {
    return {.loops = static_cast<std::size_t>(options.loops.count()),
            .pin_threads = options.pin_threads,
            .debug = options.debug,
            .bounds_parks = options.bounds_parks || options.debug || scheduler::Threads::kDebugBuild};
}

std::unique_ptr<scheduler::Threads> make_loops(const RunOptions& options, scheduler::Threads::Interrupted interrupted) {
    const auto make = [](scheduler::Neighbours& group) -> std::unique_ptr<scheduler::Loop> {
        return std::make_unique<Loop>(group);
    };
    return std::make_unique<scheduler::Threads>(thread_options(options), make, std::move(interrupted));
}

void refuse_inside_loop(const char* what) {
    if (scheduler::current_loop() != nullptr) {
        throw std::runtime_error(std::string(what) + " cannot be called from a running event loop: expected co_await");
    }
}

}  // namespace weft::detail
