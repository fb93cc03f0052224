// Tenure: in debug mode a task ends while it holds a lock, and somebody else releases that, and destroys it.
#include "sync/tenure.hpp"

#include <functional>
#include <memory>
#include <optional>

#include "sync/context_var.hpp"
#include "sync/exception_context.hpp"
#include "sync/lock.hpp"
#include "sync/report.hpp"
#include "sync/task.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"

using weft::Coro;
using weft::create_task;
using weft::Future;
using weft::Lock;
using weft::model::Loops;
using weft::model::require;
using weft::model::together;

namespace {

int told = 0;

Coro<> take_and_end(Lock& lock, Future<int> end) {
    (void)co_await lock.acquire();
    (void)co_await end;
}

// A task that has the lock, on a loop in debug mode.
class Holder {
public:
    Holder() {
        told = 0;
        weft::sync::set_report_sink([](const weft::ExceptionContext&) { ++told; });
        loops_[0].set_debug(true);
        lock_.emplace("it");
        const weft::ContextVar<std::shared_ptr<void>> variable("until the task is gone");
        weft::Context context;
        context.run([&] { variable.set(std::shared_ptr<void>(nullptr, [this](void*) { gone_ = true; })); });
        (void)create_task(take_and_end(*lock_, end_), {.loop = &loops_[0], .context = &context});
        loops_[0].step();
        require(lock_->locked(), "it has it");
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() { weft::sync::set_report_sink(nullptr); }

    [[nodiscard]] Lock& lock() { return *lock_; }
    void destroy_lock() { lock_.reset(); }
    void end_task() { (void)end_.try_set_result(7); }
    void turn() { loops_[0].step(); }
    void check() {
        loops_.close();
        require(gone_, "nobody has the task any more");
    }

private:
    const Loops loops_{1};
    Future<int> end_ = weft::create_future<int>();
    std::optional<Lock> lock_;
    bool gone_ = false;
};

void a_holder_ends_and_its_lock_is_destroyed() {
    Holder holder;
    holder.end_task();
    together({[&] { holder.turn(); },
              [&] {
                  holder.lock().release();
                  holder.destroy_lock();
              }});
    require(told <= 1, "told, or released before");
    holder.check();
}

// Nobody releases it, and it is destroyed.
void a_lock_is_destroyed_while_its_holder_ends() {
    Holder holder;
    holder.end_task();
    together({[&] { holder.turn(); }, [&] { holder.destroy_lock(); }});
    require(told <= 1, "told, or gone before");
    holder.check();
}

}  // namespace

WEFT_MODEL("tenure: the task ends, release, destroy the lock", a_holder_ends_and_its_lock_is_destroyed,
           {.type = "Tenure", .threads = {"wake", "end"}});

WEFT_MODEL("tenure: the task ends, destroy the lock", a_lock_is_destroyed_while_its_holder_ends,
           {.type = "Tenure", .threads = {"wake", "end"}});
