// SpinLock: one holder at a time, and what it wrote reaches the next.
#include "scheduler/spin_lock.hpp"

#include <functional>
#include <mutex>
#include <vector>

#include "tests/model/models.hpp"

using weft::model::Cell;
using weft::model::kUnbounded;
using weft::model::require;
using weft::model::together;
using weft::scheduler::SpinLock;

namespace {

// Each thread counts once under the lock.
template <int kThreads>
void count_under_lock() {
    SpinLock lock;
    Cell<int> count{0};
    const auto add = [&] {
        const std::lock_guard guard(lock);
        count.set(count.get() + 1);
    };
    together(std::vector<std::function<void()>>(kThreads, add));
    require(count.get() == kThreads, "each counted once");
}

}  // namespace

WEFT_MODEL("spin lock: two threads", count_under_lock<2>,
           {.type = "SpinLock", .threads = {"lock, unlock", "lock, unlock"}, .limits = {.preemptions = kUnbounded}});

WEFT_MODEL("spin lock: three threads", count_under_lock<3>,
           {.type = "SpinLock", .threads = {"lock, unlock", "lock, unlock", "lock, unlock"}});
