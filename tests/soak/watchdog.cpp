#include "tests/soak/watchdog.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "sync/concurrent_future.hpp"
#include "sync/errors.hpp"
#include "sync/stall.hpp"
#include "sync/task.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

constexpr std::uint32_t kLongestStill = 30;  // seconds
constexpr std::uint32_t kMinute = 60;
constexpr auto kLongestAnswer = 5s;

// As the running loop sees them.
Coro<std::string> describe_tasks() {
    const AnyTask self = current_task();
    std::string text;
    for (const AnyTask& task : all_tasks()) {
        if (task != self) text += sync::describe_task(static_cast<sync::TaskState&>(task.state()));
    }
    co_return text;
}

// Asks one loop after the other: any that still turns knows all tasks.
std::string tasks_of(const Runtime& runtime) {
    for (std::size_t i = 0; i < runtime.loops(); ++i) {
        try {
            return run_coroutine_threadsafe(describe_tasks(), runtime.loop(i)).result(kLongestAnswer);
        } catch (const TimeoutError&) {
            std::cerr << "weft_soak: loop " << i << " does not turn\n";
        }
    }
    return "\n  no loop turns";
}

}  // namespace

void print_counts(const Parts& parts, const std::string& title) {
    std::cout << title << '\n';
    for (const std::unique_ptr<Part>& part : parts) {
        const Counts counts = part->counts();
        char line[128];
        std::snprintf(line, sizeof line, "  %-16s %12llu operations %10llu cancels %10llu failures checked\n",
                      part->name().c_str(), static_cast<unsigned long long>(counts.operations),
                      static_cast<unsigned long long>(counts.cancels),
                      static_cast<unsigned long long>(counts.failures));
        std::cout << line;
    }
    std::cout << std::flush;
}

std::string describe_rescues(const Runtime& runtime) {
    std::string text;
    for (std::size_t i = 0; i < runtime.loops(); ++i) {
        const std::uint64_t rescues = runtime.loop(i).rescues();
        if (rescues == 0) continue;
        text += "loop " + std::to_string(i) + " slept although it had work: " + std::to_string(rescues) + " rescues\n";
    }
    return text;
}

Watchdog::Watchdog(const Runtime& runtime, const Parts& parts)
    : runtime_(runtime), parts_(parts), seen_(parts.size()), thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    ended_.notify_one();
    thread_.join();
}

void Watchdog::watch() {
    for (std::uint32_t second = 1;; ++second) {
        {
            std::unique_lock lock(mutex_);
            if (ended_.wait_for(lock, 1s, [this] { return over_; })) return;
        }
        look_for_rescues();
        look_for_stall();
        if (second % kMinute == 0) print_counts(parts_, "minute " + std::to_string(second / kMinute));
    }
}

void Watchdog::look_for_rescues() {
    const std::string rescues = describe_rescues(runtime_);
    if (rescues == rescues_) return;
    rescues_ = rescues;
    std::string workers;
    for (const std::unique_ptr<Part>& part : parts_) {
        if (part->in_rounds() != 0) workers += " " + part->name();
    }
    std::cerr << "weft_soak: " << rescues << "  at work:" << workers << std::endl;
}

// Who does not move in a round keeps all others from the next flood: those are at rest, and not to be blamed.
void Watchdog::look_for_stall() {
    std::string stalled;
    std::size_t at_rest = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const Part& part = *parts_[i];
        const std::uint64_t operations = part.counts().operations;
        Seen& seen = seen_[i];
        seen.still = operations == seen.operations ? seen.still + 1 : 0;
        seen.operations = operations;
        if (seen.still < kLongestStill) continue;
        if (part.in_rounds() == 0) {
            ++at_rest;
        } else {
            stalled += "weft_soak: FAILED: " + part.name() + ": has not moved for " + std::to_string(seen.still) +
                       " s, with " + std::to_string(part.in_rounds()) + " workers in a round\n";
        }
    }
    if (at_rest == parts_.size())
        stalled = "weft_soak: FAILED: all parts rest, and the barrier of the tide does not open\n";
    if (!stalled.empty()) bite(stalled);
}

void Watchdog::bite(const std::string& stalled) const {
    std::cerr << stalled << describe_rescues(runtime_) << "weft_soak: tasks:" << std::flush;
    std::cerr << tasks_of(runtime_) << std::endl;
    std::_Exit(1);
}

}  // namespace weft::soak
