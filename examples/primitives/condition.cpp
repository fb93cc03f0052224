// Condition: waits until what a lock protects has changed as wanted.
#include <weft/weft.hpp>

#include <iostream>

struct Store {
    weft::Condition changed{"store"};  // with a lock of its own
    int apples = 0;                    // under it
};

weft::Coro<> deliver(Store& store, int apples) {
    const auto held = co_await store.changed.scoped();
    store.apples += apples;
    store.changed.notify_all();  // they go on once the lock is free
}

weft::Coro<> bake(Store& store) {
    const auto held = co_await store.changed.scoped();
    const auto enough = [&store] { return store.apples >= 5; };
    co_await store.changed.wait_for(enough);  // gives the lock away while it waits, and has it again afterwards
    store.apples -= 5;
    std::cout << "a pie, and " << store.apples << " apples are left\n";
}

weft::Coro<> app() {
    Store store;
    co_await weft::gather(bake(store), deliver(store, 2), deliver(store, 2), deliver(store, 2), bake(store),
                          deliver(store, 4));
}

int main() { weft::run(app(), {.loops = 1}); }
// prints:
// a pie, and 1 apples are left
// a pie, and 0 apples are left
