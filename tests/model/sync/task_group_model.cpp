// TaskGroup: a child fails, or all end, while the parent, or a child, is cancelled from elsewhere: the group cancels its
// parent once and takes that back, and nothing else of what the parent was asked.
#include "sync/task_group.hpp"

#include <array>
#include <cstdint>
#include <stdexcept>

#include "sync/future.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"

using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::Future;
using weft::Task;
using weft::TaskGroup;
using weft::model::Loops;
using weft::model::require;
using weft::model::together;

namespace {

enum class End : std::uint8_t { value, cancelled, group };

Coro<> wait_for_it(Future<> future) { co_await future; }

// A parent on the first of so many loops, with two children on the last, each of which waits for a future; it has come to
// wait for them.
class Family {
public:
    explicit Family(std::size_t size) : loops(size), last(size - 1) {
        for (auto& gate : gates) gate = create_future<>();
        parent = create_task(live(), {.loop = &loops[0]});
        while (!gates[1].state().has_waiters()) turn();
    }
    // As many as it takes from the end of a gate to that of the group.
    void turns(std::size_t loop) const {
        for (int i = 0; i < 3; ++i) loops.turn(loop);
    }
    void run_until_done() const {
        while (!parent.done()) turn();
    }
    [[nodiscard]] End end() const {
        if (parent.cancelled()) return End::cancelled;
        return parent.exception() != nullptr ? End::group : End::value;
    }

    // The first child has failed, or was cancelled before that.
    void check(bool parent_cancelled) const {
        check_parent(parent_cancelled);
        require(children[1].cancelled(), "the group has cancelled the other");
    }
    void check_parent(bool cancelled) const {
        run_until_done();
        require(cancelled == (parent.cancelling() == 1), "the group has taken back its own request, and no other");
        require(children[0].done(), "the group has waited");
        require((end() == End::group) == !children[0].cancelled(), "failures are thrown");
        require((end() == End::cancelled) == children[0].cancelled(), "or the cancel");
    }

    const Loops loops;
    const std::size_t last;
    std::array<Future<>, 2> gates;
    std::array<Task<>, 2> children;
    Task<> parent;

private:
    void turn() const {
        for (std::size_t i = 0; i <= last; ++i) loops.turn(i);
    }
    Coro<> live() {
        const auto body = [this](TaskGroup& group) { return start(group); };
        co_await weft::task_group(body);
    }
    Coro<> start(TaskGroup& group) {
        for (std::size_t i = 0; i < 2; ++i)
            children[i] = group.create_task(wait_for_it(gates[i]), {.loop = &loops[last]});
        co_return;
    }
};

void fail(const Future<>& gate) { (void)gate.try_set_exception(std::runtime_error("no")); }

// Whichever comes first: the failures are thrown, and who asked the parent to end is counted as long as it lives.
void a_child_fails_and_the_parent_is_cancelled() {
    const Family family(1);
    bool cancelled = false;
    together({[&] { family.turns(0); }, [&] { fail(family.gates[0]); }, [&] { cancelled = family.parent.cancel(); }});
    family.check(cancelled);
}

// Nobody but the group cancels it.
void both_children_fail() {
    const Family family(1);
    together({[&] { family.turns(0); }, [&] { fail(family.gates[0]); }, [&] { fail(family.gates[1]); }});
    family.run_until_done();
    require(family.end() == End::group && family.parent.cancelling() == 0, "the group has taken back its request");
}

// A child that is cancelled is none that failed.
void a_child_ends_and_the_other_is_cancelled() {
    const Family family(1);
    bool cancelled = false;
    together({[&] { family.turns(0); }, [&] { family.gates[0].set_result(); },
              [&] { cancelled = family.children[1].cancel(); }});
    require(cancelled, "it had not ended");
    family.run_until_done();
    require(family.end() == End::value && family.parent.cancelling() == 0, "that is no failure");
}

// As before, with the children on a loop of their own: whoever ends one tells the group.
void a_child_fails_elsewhere_and_the_parent_is_cancelled() {
    const Family family(2);
    bool cancelled = false;
    fail(family.gates[0]);
    together(
        {[&] { family.loops.turn(0); }, [&] { family.loops.turn(1); }, [&] { cancelled = family.parent.cancel(); }});
    family.check(cancelled);
}

// The parent was cancelled first and comes to look whether a child is left, while the failure of the last one cancels it.
void the_last_child_fails_elsewhere_and_the_parent_looks() {
    const Family family(2);
    family.gates[1].set_result();
    family.loops.turn(1);
    require(family.children[1].done(), "told at once");
    require(family.parent.cancel(), "it waits");
    fail(family.gates[0]);
    together({[&] { family.loops.turn(0); }, [&] { family.loops.turn(1); }});
    family.check_parent(true);
}

}  // namespace

WEFT_MODEL("task group: a child fails, the parent is cancelled", a_child_fails_and_the_parent_is_cancelled,
           {.type = "TaskGroup", .threads = {"run", "child_done with a failure", "cancel the parent"}});
WEFT_MODEL("task group: both children fail", both_children_fail,
           {.type = "TaskGroup", .threads = {"run", "child_done with a failure", "child_done with a failure"}});
WEFT_MODEL("task group: a child ends, the other is cancelled", a_child_ends_and_the_other_is_cancelled,
           {.type = "TaskGroup", .threads = {"run", "child_done", "cancel a child"}});
WEFT_MODEL("task group: a child fails on another loop, the parent is cancelled",
           a_child_fails_elsewhere_and_the_parent_is_cancelled,
           {.type = "TaskGroup", .threads = {"run", "run, child_done with a failure", "cancel the parent"}});
WEFT_MODEL("task group: the last child fails on another loop, the parent looks",
           the_last_child_fails_elsewhere_and_the_parent_looks,
           {.type = "TaskGroup", .threads = {"run, leave", "run, child_done with a failure"}});
