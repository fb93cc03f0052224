// TaskList: what is listed, and how a task leaves that has ended on another loop.
#include "sync/task_list.hpp"

#include <doctest/doctest.h>

#include "sync/task.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/simulation.hpp"

using weft::Coro;
using weft::Task;
using weft::scheduler::LoopLocal;
using weft::sync::TaskList;
using weft::test::Scripted;
using weft::test::Simulation;

namespace {

Coro<> nothing() { co_return; }

int listed(weft::scheduler::Loop& loop) {
    int count = 0;
    LoopLocal<TaskList>::of(loop).each([&count](weft::sync::TaskState&) { ++count; });
    return count;
}

}  // namespace

TEST_CASE("task list: a task that a thief has ended is not shown, and let go when its own loop turns") {
    Simulation simulation(2, 1);
    auto& home = simulation.loop(0);
    CHECK(listed(home) == 0);
    CHECK(listed(simulation.loop(1)) == 0);
    Task<> first;
    Task<> second;
    Scripted makes([&] {
        first = weft::create_task(nothing(), {.loop = weft::any_loop});
        second = weft::create_task(nothing(), {.loop = weft::any_loop});
    });
    home.push_pinned(makes);
    home.step();
    CHECK(listed(home) == 2);
    simulation.loop(1).step();
    CHECK(first.done());
    CHECK(listed(home) == 1);
    CHECK_FALSE(first.state().sole_owner());  // the list's
    home.step();
    CHECK(second.done());
    CHECK(listed(home) == 0);
    CHECK(first.state().sole_owner());
    CHECK(second.state().sole_owner());
}
