// Branch and Join with whole loops: a branch that is stolen, one that fails, a parent that is cancelled: each branch runs
// once or never, and the parent goes on once, behind all of them.
#include "sync/branch.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>

#include "sync/context_var.hpp"
#include "sync/fork_join.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"

using weft::CancelledError;
using weft::Coro;
using weft::create_task;
using weft::fork_join;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::Random;
using weft::model::Reads;
using weft::model::require;
using weft::model::SleeplessParker;
using weft::model::together;
using weft::model::together_once_settled;

namespace {

struct Leaves {
    Cell<int> first;
    Cell<int> second;
};

Coro<int> leaf(Cell<int>& runs, int result) {
    runs.set(runs.get() + 1);
    if (result < 0) throw std::runtime_error("no");
    co_return result;
}

Coro<> fork(Leaves& leaves, int second, int& sum, const Loops& loops) {
    try {
        const auto [a, b] = co_await fork_join(leaf(leaves.first, 1), leaf(leaves.second, second));
        sum = a + b;
    } catch (const std::runtime_error&) {
        sum = -1;
    } catch (const CancelledError&) {
        sum = -2;
    }
    if (sum > -2) require(leaves.first.get() == 1 && leaves.second.get() == 1, "both ran before");
    loops.stop();
}

// A task that any loop may take, which forks on the first.
template <int kSecond>
void a_branch_may_be_stolen() {
    Leaves leaves;
    const Loops loops(2);
    int sum = 0;
    {
        const OnLoop here(loops[0]);
        (void)create_task(fork(leaves, kSecond, sum, loops));
    }
    together({[&] { loops.run(0); }, [&] { loops.run(1); }});
    require(sum == (kSecond < 0 ? -1 : 3), "both results, or the failure");
}

// The first branch of a branch suspends: what is around it becomes tasks, while a thief looks for the context of the second.
Coro<int> suspend_and_give(int result) {
    co_await weft::sleep(std::chrono::seconds(0));
    co_return result;
}
Coro<int> fork_inside(Cell<int>& runs) {
    const auto [a, b] = co_await fork_join(suspend_and_give(1), leaf(runs, 2));
    require(runs.get() == 1, "it ran before");
    co_return a + b;
}
Coro<> fork_around(int& sum, const Loops& loops) {
    Cell<int> runs;
    const auto [all] = co_await fork_join(fork_inside(runs));
    sum = all;
    loops.stop();
}

void a_branch_inside_suspends() {
    const weft::ContextVar<int> variable("any");
    weft::Context().run([&] { variable.set(1); });  // from here on contexts are looked for
    const Loops loops(2);
    int sum = 0;
    {
        const OnLoop here(loops[0]);
        (void)create_task(fork_around(sum, loops));
    }
    together_once_settled(1, {[&] { loops.run(1); }, [&] { loops.run(0); }});
    require(sum == 3, "both results");
}

// The same with old reads, while the first turns of both race; what is left then is no longer searched.
void a_branch_inside_suspends_in_few_turns() {
    const weft::ContextVar<int> variable("any");
    weft::Context().run([&] { variable.set(1); });
    const Loops loops(2, [] { return std::make_unique<SleeplessParker>(); });
    int sum = 0;
    {
        const OnLoop here(loops[0]);
        (void)create_task(fork_around(sum, loops));
    }
    together({[&] {
                  loops[0].step();
                  loops[0].step();
              },
              [&] { loops[1].step(); }});
    for (std::size_t turn = 0; turn < 10; ++turn) loops[turn % 2].step();
    require(sum == 3, "both results");
}

}  // namespace

WEFT_MODEL("fork_join: a branch inside suspends in the first turns", a_branch_inside_suspends_in_few_turns,
           {.type = "Branch", .threads = {"fork, detach, materialise, join", "steal, run"}});

WEFT_MODEL("fork_join: a branch inside suspends, another may be stolen", a_branch_inside_suspends,
           {.type = "Branch",
            .threads = {"steal, run", "fork, detach, materialise, join"},
            .limits = {.reads = Reads::newest}});

WEFT_MODEL("fork_join: a branch inside suspends, another may be stolen, at random", a_branch_inside_suspends,
           {.type = "Branch",
            .threads = {"steal, run", "fork, detach, materialise, join"},
            .random = Random{.executions = 20'000}});

WEFT_MODEL("fork_join: a branch may be stolen", a_branch_may_be_stolen<2>,
           {.type = "Branch", .threads = {"fork, join", "steal, run"}});

WEFT_MODEL("fork_join: a branch may be stolen, at random", a_branch_may_be_stolen<2>,
           {.type = "Branch", .threads = {"fork, join", "steal, run"}, .random = Random{.executions = 20'000}});

WEFT_MODEL("fork_join: a branch that may be stolen fails", a_branch_may_be_stolen<-1>,
           {.type = "Branch", .threads = {"fork, join", "steal, run, fail"}});

WEFT_MODEL("fork_join: a branch that may be stolen fails, at random", a_branch_may_be_stolen<-1>,
           {.type = "Branch", .threads = {"fork, join", "steal, run, fail"}, .random = Random{.executions = 20'000}});
