// ContextVar: a value that belongs to a task and is inherited by the tasks that it creates.
#include <weft/weft.hpp>

#include <iostream>
#include <string>

const weft::ContextVar<std::string> request{"request", "none"};

weft::Coro<> handle(std::string name) {
    request.set(name);
    co_await weft::sleep(weft::Duration(0));
    std::cout << request.get() << '\n';  // not the other task's
}

weft::Coro<> app() {
    co_await weft::gather(handle("a"), handle("b"));
    std::cout << request.get() << '\n';
}

int main() { weft::run(app(), {.loops = 1}); }
// prints:
// a
// b
// none
