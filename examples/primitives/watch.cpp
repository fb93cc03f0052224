// Watch: a value of which only the latest counts. Who watches sees that it changed, and what it is by then.
#include <weft/weft.hpp>

#include <iostream>
#include <string>

weft::Coro<> follow(weft::Watch<std::string>::Watcher config) {
    try {
        for (;;) {
            const std::string value = co_await config.changed();
            std::cout << "now " << value << '\n';
        }
    } catch (const weft::WatchShutDown&) {
        std::cout << "no more changes\n";
    }
}

weft::Coro<> app() {
    weft::Watch<std::string> config("first", "config");
    const auto follower = weft::create_task(follow(config.subscribe()));
    co_await weft::sleep(std::chrono::milliseconds(1));
    config.set("second");
    co_await weft::sleep(std::chrono::milliseconds(1));
    config.set("third");  // nobody has looked yet when the fourth comes
    config.set("fourth");
    std::cout << config.get() << " it is\n";
    config.shutdown();
    co_await follower;
}

int main() { weft::run(app(), {.loops = 1}); }  // one loop: no task runs in between
// prints:
// now second
// fourth it is
// now fourth
// no more changes
