#include "sync/blocking_pool.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "scheduler/signals_blocked.hpp"
#include "scheduler/usable_cores.hpp"
#include "sync/report.hpp"

namespace weft::sync {

std::size_t BlockingPool::default_most_threads() { return std::min<std::size_t>(32, scheduler::usable_cores() + 4); }

BlockingPool::BlockingPool(const Options& options) : shared_(std::make_shared<Shared>(options)) {}

BlockingPool::~BlockingPool() {
    stop();
    std::list<std::thread> threads;
    {
        const std::lock_guard lock(shared_->mutex);
        threads.swap(shared_->threads);
    }
    for (std::thread& thread : threads) thread.join();
    if (shared_->retired.joinable()) shared_->retired.join();
}

void BlockingPool::submit(std::function<void()> job) {
    Shared& shared = *shared_;
    const std::lock_guard lock(shared.mutex);
    if (shared.stopped) throw std::runtime_error("cannot schedule new futures after shutdown");
    shared.queue.push_back(std::move(job));
    if (shared.queue.size() <= shared.idle) return shared.changed.notify_one();
    if (shared.threads.size() >= shared.options.most_threads) return;
    try {
        start_thread();
    } catch (...) {
        if (!shared.threads.empty()) return;  // another one will come to it
        shared.queue.pop_back();
        throw;
    }
}

// Under the mutex, which the new thread takes first.
void BlockingPool::start_thread() {
    const scheduler::SignalsBlocked blocked;
    const auto self = shared_->threads.emplace(shared_->threads.end());
    try {
        *self = std::thread([shared = shared_, self] { work(shared, self); });
    } catch (...) {
        shared_->threads.erase(self);
        throw;
    }
}

void BlockingPool::work(const std::shared_ptr<Shared>& shared, std::list<std::thread>::iterator self) {
    std::unique_lock lock(shared->mutex);
    for (;;) {
        if (shared->queue.empty()) {
            if (shared->stopped) return;
            ++shared->idle;
            const bool wanted = shared->changed.wait_for(lock, shared->options.keep_alive,
                                                         [&] { return !shared->queue.empty() || shared->stopped; });
            --shared->idle;
            if (!wanted) return retire(*shared, lock, self);
            continue;
        }
        std::function<void()> job = std::move(shared->queue.front());
        shared->queue.pop_front();
        lock.unlock();
        try {
            job();
        } catch (...) {
            report("Exception in a job of the blocking pool", std::current_exception());
        }
        job = nullptr;  // its destructor is user code: not under the mutex
        lock.lock();
    }
}

void BlockingPool::retire(Shared& shared, std::unique_lock<std::mutex>& lock, std::list<std::thread>::iterator self) {
    std::thread earlier = std::exchange(shared.retired, std::move(*self));
    shared.threads.erase(self);
    lock.unlock();
    if (earlier.joinable()) earlier.join();
}

void BlockingPool::stop() {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopped = true;
    shared_->changed.notify_all();
}

void BlockingPool::abandon() {
    stop();
    const std::lock_guard lock(shared_->mutex);
    for (std::thread& thread : shared_->threads) thread.detach();
    shared_->threads.clear();
}

std::size_t BlockingPool::threads() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->threads.size();
}

std::size_t BlockingPool::idle() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->idle;
}

}  // namespace weft::sync
