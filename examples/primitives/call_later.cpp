// call_soon, call_later: plain functions on a loop, which can be cancelled through their handles.
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

int main() {
    const auto loop = weft::new_event_loop();
    loop->call_later(1ms, [] { std::cout << "later\n"; });
    loop->call_later(2ms, [&] { loop->stop(); });
    loop->call_soon([] { std::cout << "soon\n"; });
    const weft::Handle never = loop->call_soon([] { std::cout << "never\n"; });
    never.cancel();
    loop->run_forever();
    loop->close();
}
// prints:
// soon
// later
