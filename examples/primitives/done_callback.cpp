// add_done_callback: a plain function, called through the loop once a future is done; it can be taken off again.
#include <weft/weft.hpp>

#include <iostream>

weft::Coro<> app() {
    const auto future = weft::create_future<int>();
    future.add_done_callback([](const weft::Future<int>& done) { std::cout << "got " << done.result() << '\n'; });
    const auto unwanted = future.add_done_callback([](const weft::Future<int>&) { std::cout << "never\n"; });
    std::cout << "removed " << future.remove_done_callback(unwanted) << '\n';
    future.set_result(1);
    std::cout << "set\n";  // callbacks never run inside set_result
    co_await weft::sleep(weft::Duration(0));
}

int main() { weft::run(app(), {.loops = 1}); }
// prints:
// removed 1
// set
// got 1
