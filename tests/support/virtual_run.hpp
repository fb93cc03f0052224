// virtual_run: what weft::run is to a program, for a test: a weft::Loop by itself, on virtual time, for one coroutine.
// get_running_loop() works in it; a coroutine that cannot go on gets the VirtualParker's Deadlock. Tasks that are left
// are destroyed with the loop.
#pragma once

#include <memory>
#include <utility>

#include "api/loop.hpp"
#include "scheduler/virtual_parker.hpp"

namespace weft::test {

template <class A>
AwaitResult<A> virtual_run(A&& awaitable) {
    Loop loop(std::make_unique<scheduler::VirtualParker>());
    return loop.run_until_complete(std::forward<A>(awaitable));
}

}  // namespace weft::test
