// Queues: no item and no slot is lost.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

template <class Q>
Coro<> gets(Trace& log, Q& queue, std::string name) {
    const std::string how = co_await outcome(queue.get());
    log(name, "got", how, queue.qsize());
}

Coro<> puts(Trace& log, Queue<int>& queue, int item) {
    const std::string how = co_await outcome(queue.put(item));
    log(item, "put", how, queue.qsize());
}

Coro<> joins(Trace& log, Queue<int>& queue) {
    const std::string how = co_await outcome(queue.join());
    log("joined", how);
}

std::vector<Task<>> getters(Trace& log, Queue<int>& queue, const std::vector<std::string>& names) {
    std::vector<Task<>> tasks;
    for (const std::string& name : names) tasks.push_back(create_task(gets(log, queue, name)));
    return tasks;
}

std::vector<Task<>> putters(Trace& log, Queue<int>& queue, const std::vector<int>& items) {
    std::vector<Task<>> tasks;
    for (const int item : items) tasks.push_back(create_task(puts(log, queue, item)));
    return tasks;
}

std::vector<bool> done(const std::vector<Task<>>& tasks) {
    std::vector<bool> all;
    for (const Task<>& task : tasks) all.push_back(task.done());
    return all;
}

template <class Q>
std::vector<int> in_its_order(const std::vector<int>& items) {
    Q queue;
    for (const int item : items) queue.put_nowait(item);
    std::vector<int> order;
    while (!queue.empty()) order.push_back(queue.get_nowait());
    return order;
}

}  // namespace

SCENARIO(with_and_without_a_bound, 239) {
    for (const int size : {-1, 0, 1}) {
        Queue<int> queue(size);
        log(queue.maxsize(), queue.qsize(), queue.empty(), queue.full());
        co_await queue.put(1);
        log(queue.qsize(), queue.empty(), queue.full());
    }
}

SCENARIO(put_waits_while_it_is_full, 239) {
    Queue<int> queue(1);
    const auto tasks = putters(log, queue, {1, 2, 3});
    co_await pause(3);
    for (int i = 0; i < 3; ++i) {
        const int item = co_await queue.get();
        log(item, queue.qsize());
        co_await pause(2);
    }
    co_await wait(tasks);
}

SCENARIO(get_waits_while_it_is_empty, 239) {
    Queue<int> queue;
    const auto tasks = getters(log, queue, {"a", "b"});
    co_await pause(1);
    co_await queue.put(1);
    co_await queue.put(2);
    log("put", queue.qsize());
    co_await wait(tasks);
}

SCENARIO(no_turn_if_there_is_no_wait, 239) {
    Queue<int> queue(2);
    const Turns turns;
    co_await queue.put(1);
    co_await queue.put(2);
    const int one = co_await queue.get();
    const int two = co_await queue.get();
    log(one, two, turns.count);
    turns.stop();
}

SCENARIO(somebody_else_may_take_the_item, 239) {
    Queue<int> queue;
    const auto tasks = getters(log, queue, {"a", "b"});
    co_await pause(1);
    queue.put_nowait(1);
    log("taken", queue.get_nowait());
    co_await pause(2);
    log(done(tasks));
    queue.put_nowait(2);
    queue.put_nowait(3);
    co_await wait(tasks);
}

SCENARIO(somebody_else_may_take_the_room, 239) {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const auto tasks = putters(log, queue, {1, 2});
    co_await pause(1);
    log(queue.get_nowait());
    queue.put_nowait(9);
    co_await pause(2);
    log(done(tasks));
    for (int i = 0; i < 3; ++i) {
        const int item = co_await queue.get();
        log(item);
    }
    co_await wait(tasks);
}

SCENARIO(without_waiting, 240) {
    Queue<int> queue(1);
    log(refused([&] { return queue.get_nowait(); }));
    queue.put_nowait(1);
    log(refused([&] { queue.put_nowait(2); }), queue.full());
    const int item = queue.get_nowait();
    log(item, refused([&] { return queue.get_nowait(); }));
    co_return;
}

SCENARIO(one_item_wakes_one_getter_that_is_not_cancelled, 240) {
    Queue<int> queue;
    const auto tasks = getters(log, queue, {"a", "b", "c"});
    co_await pause(1);
    tasks[0].cancel("gone");
    queue.put_nowait(1);
    co_await pause(2);
    log(done(tasks));
    queue.put_nowait(2);
    co_await wait(tasks);
}

SCENARIO(one_slot_wakes_one_putter_that_is_not_cancelled, 240) {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const auto tasks = putters(log, queue, {1, 2, 3});
    co_await pause(1);
    tasks[0].cancel("gone");
    log(queue.get_nowait());
    co_await pause(2);
    log(done(tasks));
    log(queue.get_nowait());
    co_await wait(tasks);
}

SCENARIO(a_getter_cancelled_after_its_wake_up, 241) {
    Queue<int> queue;
    const auto tasks = getters(log, queue, {"a", "b"});
    co_await pause(1);
    queue.put_nowait(1);
    log(tasks[0].cancel("late"));
    co_await wait(tasks);
}

SCENARIO(a_getter_cancelled_after_its_item_was_taken, 241) {
    Queue<int> queue;
    const auto tasks = getters(log, queue, {"a", "b", "c"});
    co_await pause(1);
    queue.put_nowait(1);
    tasks[0].cancel("late");
    log("taken", queue.get_nowait());
    co_await pause(2);
    queue.put_nowait(2);
    queue.put_nowait(3);
    co_await wait(tasks);
}

SCENARIO(a_putter_cancelled_after_its_wake_up, 241) {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const auto tasks = putters(log, queue, {1, 2});
    co_await pause(1);
    log(queue.get_nowait());
    log(tasks[0].cancel("late"));
    co_await wait(tasks);
    const int item = queue.get_nowait();
    log(item, queue.empty());
}

SCENARIO(a_cancelled_put_stores_nothing, 241) {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const auto late = co_await outcome(wait_for(queue.put(1), 1s));
    log(late);
    log.at(queue.qsize());
    const int item = co_await queue.get();
    const auto nothing = co_await outcome(wait_for(queue.get(), 1s));
    log(item, nothing);
    log.at(queue.qsize());
}

SCENARIO(a_woken_getter_takes_the_best, 242) {
    PriorityQueue<int> queue;
    const auto task = create_task(gets(log, queue, "getter"));
    co_await pause(1);
    queue.put_nowait(5);
    queue.put_nowait(3);
    queue.put_nowait(4);
    co_await task;
    const int next = queue.get_nowait();
    log(next, queue.get_nowait());
}

SCENARIO(orders, 242) {
    const std::vector<int> items{2, 3, 1, 2};
    log(in_its_order<Queue<int>>(items));
    log(in_its_order<PriorityQueue<int>>(items));
    log(in_its_order<LifoQueue<int>>(items));
    co_return;
}

SCENARIO(join_waits_for_task_done, 243) {
    Queue<int> queue;
    const auto at_once = co_await outcome(queue.join());
    log(at_once);
    queue.put_nowait(1);
    queue.put_nowait(2);
    const auto task = create_task(joins(log, queue));
    for (int i = 0; i < 2; ++i) {
        const int item = co_await queue.get();
        log(item);
        co_await pause(2);
        log("not yet", task.done());
        queue.task_done();
    }
    co_await task;
    log(refused([&] { queue.task_done(); }));
}

SCENARIO(putting_again_arms_join, 243) {
    Queue<int> queue;
    queue.put_nowait(1);
    const auto first = create_task(joins(log, queue));
    co_await pause(1);
    (void)queue.get_nowait();
    queue.task_done();
    queue.put_nowait(2);
    const auto second = create_task(joins(log, queue));
    co_await first;
    co_await pause(3);
    log(second.done());
    queue.task_done();
    co_await second;
}

SCENARIO(a_join_that_is_cancelled, 243) {
    Queue<int> queue;
    queue.put_nowait(1);
    const auto late = co_await outcome(wait_for(queue.join(), 1s));
    log(late);
    queue.task_done();
    const auto got = co_await outcome(queue.join());
    log(got);
}

SCENARIO(shutdown_refuses_puts_and_drains, 244) {
    Queue<int> queue(2);
    queue.put_nowait(1);
    queue.put_nowait(2);
    const auto tasks = putters(log, queue, {3, 4});
    co_await pause(1);
    queue.shutdown();
    co_await wait(tasks);
    const auto put = co_await outcome(queue.put(5));
    log(put, refused([&] { queue.put_nowait(5); }));
    const auto got = co_await outcome(queue.get());
    log(got, queue.get_nowait());
    const auto none = co_await outcome(queue.get());
    log(none, refused([&] { return queue.get_nowait(); }));
}

SCENARIO(shutdown_wakes_getters_of_an_empty_queue, 244) {
    Queue<int> queue;
    const auto tasks = getters(log, queue, {"a", "b"});
    co_await pause(1);
    queue.shutdown();
    co_await wait(tasks);
}

SCENARIO(shutdown_with_an_item_on_the_way, 244) {
    Queue<int> queue;
    const auto tasks = getters(log, queue, {"a", "b"});
    co_await pause(1);
    queue.put_nowait(1);
    queue.shutdown();
    co_await wait(tasks);
}

SCENARIO(an_immediate_shutdown_discards, 244) {
    Queue<int> queue;
    for (int item = 0; item < 3; ++item) queue.put_nowait(item);
    log(queue.get_nowait());
    const auto task = create_task(joins(log, queue));
    co_await pause(1);
    queue.shutdown(true);
    const std::size_t left = queue.qsize();
    const auto got = co_await outcome(queue.get());
    log(left, got);
    co_await pause(2);
    log("one was taken before", task.done());
    queue.task_done();
    co_await task;
    log(refused([&] { queue.task_done(); }));
}

SCENARIO(an_immediate_shutdown_ends_join, 244) {
    Queue<int> queue;
    queue.put_nowait(1);
    const auto task = create_task(joins(log, queue));
    co_await pause(1);
    queue.shutdown();
    queue.shutdown();
    co_await pause(2);
    log(task.done(), queue.qsize());
    queue.shutdown(true);
    co_await task;
    log(queue.qsize(), refused([&] { return queue.get_nowait(); }));
}
