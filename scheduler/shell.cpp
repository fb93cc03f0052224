#include "scheduler/shell.hpp"

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace weft::scheduler {

namespace {

struct Pool {
    Mutex mutex;
    std::vector<std::unique_ptr<Shell>> all;
    std::vector<Shell*> free;
};

// Never destroyed: a handle in a static object may outlive everything else.
Pool& pool() {
    static Pool* const instance = new Pool;
    return *instance;
}

}  // namespace

Shell& Shell::acquire() {
    Pool& shells = pool();
    const std::lock_guard lock(shells.mutex);
    if (shells.free.empty()) {
        shells.all.push_back(std::make_unique<Shell>());
        shells.free.reserve(shells.all.size());
        shells.free.push_back(shells.all.back().get());
    }
    Shell* shell = shells.free.back();
    shells.free.pop_back();
    return *shell;
}

void Shell::release(Shell& shell) {
    Pool& shells = pool();
    const std::lock_guard lock(shells.mutex);
    shells.free.push_back(&shell);
}

void Shell::open(Loop& loop, Neighbours& group) {
    group_.store(&group, std::memory_order_relaxed);
    generation_.store(generation() + 1, std::memory_order_relaxed);
    loop_.store(&loop, std::memory_order_release);  // S3 release
}

void Shell::close() {
    group_.store(nullptr, std::memory_order_relaxed);
    loop_.store(nullptr, std::memory_order_seq_cst);                                // S1 seq_cst
    while (visitors_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();  // S1 seq_cst, S2 acquire
}

}  // namespace weft::scheduler
