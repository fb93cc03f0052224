// TaskList: what is listed, whoever adds it and wherever it ends.
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

TEST_CASE("task list: a task that a thief has ended leaves at once, and nothing holds it") {
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
    CHECK(first.state().sole_owner());
    home.step();
    CHECK(second.done());
    CHECK(listed(home) == 0);
    CHECK(second.state().sole_owner());
}

TEST_CASE("task list: a task made for another loop is listed there, beside that loop's own") {
    Simulation simulation(2, 1);
    auto& home = simulation.loop(0);
    auto& other = simulation.loop(1);
    Task<> own;
    Task<> foreign;
    Scripted makes_own([&] { own = weft::create_task(nothing()); });
    Scripted makes_foreign([&] { foreign = weft::create_task(nothing(), {.loop = &home}); });
    home.push_pinned(makes_own);
    other.push_pinned(makes_foreign);
    other.step();
    CHECK(listed(home) == 1);
    CHECK(listed(other) == 0);
    home.step();
    CHECK(foreign.done());
    CHECK(listed(home) == (own.done() ? 0 : 1));
    home.step();
    CHECK(own.done());
    CHECK(listed(home) == 0);
}
