// Queue: items from tasks to tasks, with back-pressure if it is bounded, and an end. PriorityQueue: the smallest first.
#include <weft/weft.hpp>

#include <iostream>

weft::Coro<int> worker(weft::Queue<int>& jobs) {
    int sum = 0;
    try {
        for (;;) {
            const int job = co_await jobs.get();
            sum += job;
            jobs.task_done();
        }
    } catch (const weft::QueueShutDown&) {  // and nothing is left in it
        co_return sum;
    }
}

weft::Coro<> app() {
    weft::Queue<int> jobs(2, "jobs");  // room for two: who puts a third waits
    const auto a = weft::create_task(worker(jobs));
    const auto b = weft::create_task(worker(jobs));
    for (int job = 1; job <= 10; ++job) co_await jobs.put(job);
    co_await jobs.join();  // until all ten are done
    jobs.shutdown();
    std::cout << co_await a + co_await b << '\n';

    weft::PriorityQueue<int> urgent;
    for (const int job : {5, 1, 3}) urgent.put_nowait(job);
    while (const auto job = urgent.try_get()) std::cout << *job << '\n';  // any thread may do that
}

int main() { weft::run(app()); }
// prints:
// 55
// 1
// 3
// 5
