// TaskSlot and TaskSlots: who walks finds tasks that are made and live; who ends one waits for who looks at it.
#include "sync/task_slots.hpp"

#include <functional>

#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/puppet.hpp"

using weft::model::Cell;
using weft::model::Loops;
using weft::model::Puppet;
using weft::model::require;
using weft::model::together;
using weft::sync::TaskSlot;
using weft::sync::TaskSlots;
using weft::sync::TaskState;

namespace {

// Takes a reference, as whoever lists all tasks does; then looks, and lets go. Returns false if there is none.
bool look(TaskSlot& slot) {
    TaskState* found = nullptr;
    slot.visit([&](TaskState& task) {
        task.retain();
        found = &task;
    });
    if (found == nullptr) return false;
    require(!found->done(), "it can be looked at");
    found->release();
    return true;
}

// The runtime's reference is the last, but for the visitor's.
void end(TaskSlot& slot, TaskState& task) {
    slot.clear(task);
    task.release();
}

void a_task_comes_and_goes() {
    const Loops loops(1);
    TaskSlot slot;
    together({[&] {
                  auto* const task = new Puppet(loops[0]);
                  slot.put(*task);
                  end(slot, *task);
              },
              [&] { (void)look(slot); }, [&] { (void)look(slot); }});
    require(slot.empty(), "gone");
}

// One loop ends the task, the other takes the slot for its next one.
void a_slot_is_used_again() {
    const Loops loops(1);
    TaskSlot slot;
    auto* const first = new Puppet(loops[0]);
    slot.put(*first);
    together({[&] { end(slot, *first); }, [&] { (void)look(slot); },
              [&] {
                  if (!slot.empty()) return;
                  auto* const second = new Puppet(loops[0]);
                  slot.put(*second);
                  end(slot, *second);
              }});
    require(slot.empty(), "gone");
}

// Who does not find a task that was there knows what it has done.
void a_task_has_gone() {
    const Loops loops(1);
    TaskSlot slot;
    Cell<int> its_work;
    auto* const task = new Puppet(loops[0]);
    slot.put(*task);
    const auto look_for_it = [&] {
        if (!look(slot)) require(its_work.get() == 1, "it is through");
    };
    together({[&] {
                  its_work.set(1);
                  end(slot, *task);
              },
              look_for_it, look_for_it});
    require(slot.empty(), "gone");
}

void a_table_grows_while_it_is_walked() {
    const Loops loops(1);
    TaskSlots slots;
    together({[&] {
                  TaskSlot& slot = slots.take();
                  auto* const task = new Puppet(loops[0]);
                  slot.put(*task);
                  end(slot, *task);
              },
              [&] { slots.each([](TaskSlot& slot) { (void)look(slot); }); }});
}

}  // namespace

WEFT_MODEL("task slot: put and clear, visit, visit", a_task_comes_and_goes,
           {.type = "TaskSlot", .threads = {"put, clear", "visit", "visit"}});

WEFT_MODEL("task slot: clear, visit, put again", a_slot_is_used_again,
           {.type = "TaskSlot", .threads = {"clear", "visit", "empty, put, clear"}});

WEFT_MODEL("task slot: clear, visit, visit", a_task_has_gone,
           {.type = "TaskSlot", .threads = {"clear", "visit", "visit"}});

WEFT_MODEL("task slots: take, walk", a_table_grows_while_it_is_walked,
           {.type = "TaskSlots", .threads = {"take, put, clear", "each, visit"}});
