#include "sync/task.hpp"

#include <vector>

#include "scheduler/neighbours.hpp"
#include "sync/task_list.hpp"

namespace weft {

std::vector<AnyTask> all_tasks() {
    std::vector<AnyTask> tasks;
    for (scheduler::Loop* loop : sync::require_loop().group().loops()) {
        scheduler::LoopLocal<sync::TaskList>::of(*loop).each([&tasks](sync::TaskState& task) {
            task.retain();
            tasks.emplace_back(sync::FutureRef(&task));
        });
    }
    return tasks;
}

}  // namespace weft
