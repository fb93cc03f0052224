#include "sync/task_list.hpp"

#include "sync/exception_handler.hpp"

namespace weft::sync {

TaskList::TaskList(scheduler::Loop& loop) : loop_(loop) { make_exception_handler(loop); }

TaskList::~TaskList() {
    bool any = false;
    const auto dismantle = [&any](TaskSlot& slot) {
        TaskState* const task = slot.task();
        if (task == nullptr) return;
        any = true;
        report("Task was destroyed but it is pending!", *task, nullptr);
        task->dismantle();
    };
    do {  // once more for what they made as they went
        any = false;
        own_.each(dismantle);
        foreign_.each(dismantle);
    } while (any);
}

}  // namespace weft::sync
