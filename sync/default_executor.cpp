#include "sync/default_executor.hpp"

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "scheduler/handle.hpp"
#include "scheduler/schedule.hpp"
#include "sync/report.hpp"

namespace weft::sync {

void NoneLeft::run() noexcept {
    (void)future_.try_set_result(true);
    delete this;
}

void NoneLeft::send() noexcept {
    if (scheduler::schedule_on(*this, home_, generation_) == scheduler::Sent::closed) drop();
}

void JobCount::begin() {
    const std::lock_guard lock(mutex_);
    ++jobs_;
}

void JobCount::end() noexcept {
    std::vector<std::unique_ptr<NoneLeft>> waiting;
    {
        const std::lock_guard lock(mutex_);
        if (--jobs_ == 0) waiting.swap(waiting_);
    }
    for (std::unique_ptr<NoneLeft>& waiter : waiting) waiter.release()->send();
}

Future<bool> JobCount::none_left() {
    Future<bool> future = create_future<bool>();
    auto waiter = std::make_unique<NoneLeft>(future, require_loop());
    const std::lock_guard lock(mutex_);
    if (jobs_ == 0) {
        future.set_result(true);
    } else {
        waiting_.push_back(std::move(waiter));
    }
    return future;
}

DefaultExecutor::Accepted DefaultExecutor::accept() {
    const std::lock_guard lock(mutex_);
    if (refusing_) throw std::runtime_error("Executor shutdown has been called");
    if (chosen_ == nullptr && pool_ == nullptr) pool_ = std::make_unique<BlockingPool>();
    count_->begin();
    return {chosen_ != nullptr ? *chosen_ : *pool_, count_};
}

void DefaultExecutor::choose(Executor* executor) {
    if (executor == nullptr) throw std::invalid_argument("set_default_executor: expected an Executor, got nullptr");
    const std::lock_guard lock(mutex_);
    chosen_ = executor;
}

void DefaultExecutor::refuse() {
    const std::lock_guard lock(mutex_);
    refusing_ = true;
}

void DefaultExecutor::join() {
    std::unique_ptr<BlockingPool> pool;
    const std::lock_guard lock(mutex_);
    pool.swap(pool_);
}

void DefaultExecutor::abandon() {
    std::unique_ptr<BlockingPool> pool;
    const std::lock_guard lock(mutex_);
    pool.swap(pool_);
    if (pool != nullptr) pool->abandon();
}

namespace {

// Completes a future with false at a deadline, unless it goes first.
class GivesUp {
public:
    GivesUp(const Future<bool>& future, TimePoint deadline) {
        auto give_up = [future] { (void)future.try_set_result(false); };
        auto timer = std::make_unique<scheduler::CallbackOf<decltype(give_up)>>(std::move(give_up));
        timer->arm(require_loop(), deadline);
        timer_ = TimerHandle(*timer.release());
    }
    GivesUp(const GivesUp&) = delete;
    GivesUp& operator=(const GivesUp&) = delete;
    ~GivesUp() { timer_.cancel(); }

private:
    TimerHandle timer_;
};

Coro<> shut_down(DefaultExecutor& executor, std::optional<Duration> timeout, TimePoint deadline) {
    executor.refuse();
    const Future<bool> none_left = executor.none_left();
    std::optional<GivesUp> gives_up;
    if (timeout && !none_left.done()) gives_up.emplace(none_left, deadline);
    if (co_await none_left) {
        executor.join();
        co_return;
    }
    std::ostringstream text;
    text << "The executor did not finishing joining its threads within "
         << std::chrono::duration<double>(*timeout).count() << " seconds.";
    report(text.str(), nullptr);
    executor.abandon();
}

}  // namespace

Coro<> shutdown_default_executor(scheduler::Loop& loop, std::optional<Duration> timeout) {
    const TimePoint now = loop.now();
    const bool endless = !timeout || *timeout > TimePoint::max() - now;
    return shut_down(DefaultExecutor::of(loop), timeout, endless ? TimePoint::max() : now + *timeout);
}

}  // namespace weft::sync
