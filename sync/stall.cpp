#include "sync/stall.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "scheduler/neighbours.hpp"
#include "sync/future.hpp"
#include "sync/report.hpp"
#include "sync/stack_frame.hpp"
#include "sync/task_list.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

namespace {

// A program may have millions of tasks, a recursion as many awaits; who reads a report wants the pattern.
constexpr std::size_t kMostTasks = 100;
constexpr std::size_t kMostSites = 100;

struct WaitingTasks {
    std::string text;
    bool from_outside = false;
};

// Innermost first.
template <class Site>
std::string describe_sites(Site innermost, std::size_t shown, std::size_t left_out) {
    std::string text;
    if (left_out != 0) text += "\n    at " + std::to_string(left_out) + " places further out";
    for (std::size_t i = shown; i > 0; --i)
        text += "\n    at " + in_words(innermost[static_cast<std::ptrdiff_t>(i - 1)]);
    return text;
}

std::string describe_waiting(TaskState& task, const Standing& standing) {
    std::string text = "\n  " + task.repr();
    if (!standing.awaits.empty()) text += " waits for " + standing.awaits;
    const std::size_t shown = std::min(standing.sites.size(), kMostSites);
    return text + describe_sites(standing.sites.rbegin(), shown, standing.sites.size() - shown);
}

WaitingTasks waiting_on(const scheduler::Loop& loop) {
    std::vector<FutureRef> tasks;
    for (scheduler::Loop* member : loop.group().loops()) {
        auto* list = scheduler::LoopLocal<TaskList>::find(*member);
        if (list == nullptr) continue;
        list->each([&tasks](TaskState& task) {
            task.retain();
            FutureRef ref(&task);
            tasks.push_back(std::move(ref));
        });
    }
    WaitingTasks waiting;
    if (tasks.empty()) return waiting;
    waiting.text = tasks.size() == 1 ? "; 1 task waits:" : "; " + std::to_string(tasks.size()) + " tasks wait:";
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        auto& task = static_cast<TaskState&>(tasks[i].get());
        const Standing standing = task.standing();
        if (standing.from_outside) waiting.from_outside = true;
        if (i < kMostTasks) waiting.text += describe_waiting(task, standing);
    }
    if (tasks.size() > kMostTasks) waiting.text += "\n  ... and " + std::to_string(tasks.size() - kMostTasks) + " more";
    return waiting;
}

}  // namespace

std::string describe_waiting_tasks(const scheduler::Loop& loop) { return waiting_on(loop).text; }

void report_stall(const scheduler::Loop& loop) noexcept {
    try {
        const WaitingTasks waiting = waiting_on(loop);
        if (waiting.text.empty() || waiting.from_outside) return;
        warn(
            "nothing is ready, no timer is armed and no task waits for I/O: unless another thread, a descriptor or a "
            "signal steps in, this is a deadlock" +
            waiting.text);
    } catch (...) {
        log_last_resort("a stall could not be described", std::current_exception());
    }
}

std::string describe_task(TaskState& task) {
    const FailureTrace* trace = task.trace();
    if (trace == nullptr) return describe_waiting(task, task.standing());
    return "\n  " + task.repr() + describe_sites(trace->sites().begin(), trace->sites().size(), trace->left_out());
}

}  // namespace weft::sync
