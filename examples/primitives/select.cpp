// select: waits for several queues and events at once, and takes from the first that has something, from no other.
#include <weft/weft.hpp>

#include <iostream>
#include <string>
#include <variant>

weft::Coro<> serve(weft::Queue<int>& jobs, weft::Queue<std::string>& orders, weft::Event& stop) {
    for (;;) {
        const auto first = co_await weft::select(stop.wait(), orders.get(), jobs.get());  // looked at in this order
        if (first.index() == 0) break;
        if (first.index() == 1) std::cout << "order " << std::get<1>(first) << '\n';
        if (first.index() == 2) std::cout << "job " << std::get<2>(first) << '\n';
    }
    std::cout << jobs.qsize() << " left\n";
}

weft::Coro<> app() {
    weft::Queue<int> jobs;
    weft::Queue<std::string> orders;
    weft::Event stop;
    const auto server = weft::create_task(serve(jobs, orders, stop));
    co_await weft::sleep(std::chrono::milliseconds(1));
    jobs.put_nowait(1);  // the server waits: it is woken for this one
    jobs.put_nowait(2);
    orders.put_nowait("faster");
    co_await weft::sleep(std::chrono::milliseconds(1));
    stop.set();
    jobs.put_nowait(3);
    co_await server;
}

int main() { weft::run(app(), {.loops = 1}); }  // one loop: no task runs in between
// prints:
// job 1
// order faster
// job 2
// 1 left
