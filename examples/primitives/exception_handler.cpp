// set_exception_handler: what nobody awaits is told to the loop's handler; by default it is logged.
#include <weft/weft.hpp>

#include <iostream>
#include <stdexcept>

weft::Coro<> app() {
    weft::Loop& loop = weft::get_running_loop();
    loop.set_exception_handler([](weft::Loop&, const weft::ExceptionContext& context) {
        std::cout << context.message.substr(0, 21) << '\n';  // then follows which callback
    });
    loop.call_soon([] { throw std::runtime_error("lost"); });
    co_await weft::sleep(weft::Duration(0));
    co_await weft::sleep(weft::Duration(0));
}

int main() { weft::run(app(), {.loops = 1}); }
// prints:
// Exception in callback
