#include "sync/tenure.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "sync/branch.hpp"
#include "sync/report.hpp"
#include "sync/task_state.hpp"

namespace weft::sync {

namespace {

TaskState& as_task(const FutureRef& ref) { return static_cast<TaskState&>(ref.get()); }

}  // namespace

Tenure::Tenure(ParkingLot& lot, TaskState& holder) : lot_(lot) {
    holder.retain();
    holder_ = FutureRef(&holder);
}

Tenure* Tenure::begin(ParkingLot& lot) noexcept {
    try {
        TaskState* const task = running_task();
        if (task == nullptr || task->keeps_value()) return nullptr;  // a task of acquire() takes it for others
        auto* tenure = new Tenure(lot, *task);
        (void)task->add_waiter(*tenure);  // it runs: it is not done
        return tenure;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

bool Tenure::leave_live(Stage next) noexcept {
    Stage stage = Stage::live;
    return stage_.compare_exchange_strong(stage, next, std::memory_order_release, std::memory_order_acquire);  // V1
}

void Tenure::end() noexcept {
    if (!holder_.get().remove_waiter(*this)) {
        if (leave_live(Stage::ended)) return;
        while (stage_.load(std::memory_order_acquire) != Stage::told) std::this_thread::yield();  // V1
    }
    delete this;
}

void Tenure::wake() noexcept {
    if (!leave_live(Stage::telling)) return delete this;
    tell();
    stage_.store(Stage::told, std::memory_order_release);  // V1: this may be gone from here on
}

void Tenure::abandon() noexcept {
    if (!leave_live(Stage::told)) delete this;
}

void Tenure::tell() noexcept {
    try {
        std::string text = as_task(holder_).in_words() + " has ended and still holds " + lot_.in_words();
        std::size_t waiting = 0;
        {
            const std::lock_guard lock(lot_.mutex());
            waiting = lot_.parked();
        }
        if (waiting != 0) text += ", for which " + std::to_string(waiting) + " wait";
        warn(text);
    } catch (const std::bad_alloc&) {
        // Untold: nothing has failed.
    }
}

void check_guard(const ParkingLot& lot, const FutureRef& holder) noexcept {
    try {
        TaskState* const here = running_task();
        if (here == nullptr || holder.pointer() == nullptr || here == holder.pointer()) return;
        warn("a guard of " + lot.in_words() + ", which " + as_task(holder).in_words() + " holds, ends in " +
             here->in_words());
    } catch (const std::bad_alloc&) {
        // Untold: nothing has failed.
    }
}

void check_wait(const ParkingLot& lot, const FutureRef& holder) noexcept {
    try {
        TaskState* const here = running_task();
        if (here == nullptr || holder.pointer() == nullptr || !holder.get().done()) return;
        warn(here->in_words() + " waits for " + lot.in_words() + ", but its holder, " + as_task(holder).in_words() +
             ", has ended");
    } catch (const std::bad_alloc&) {
        // Untold: nothing has failed.
    }
}

}  // namespace weft::sync
