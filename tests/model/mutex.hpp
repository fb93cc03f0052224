// Mutex: std::mutex for virtual threads. Who cannot have it is not asked again until it is free, so waiting for a
// lock multiplies nothing; two threads that wait for each other are a deadlock and found.
#pragma once

#include "tests/model/execution.hpp"

namespace weft::model {

class Mutex {
public:
    Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    void lock();
    // No step: without try_lock nobody can tell a later unlock from a later lock.
    void unlock();

private:
    // One that is older than the execution is free in it.
    void begin(const Execution& execution);

    std::uint64_t run_ = 0;
    bool held_ = false;
    View left_behind_;  // what earlier holders had seen
};

}  // namespace weft::model
