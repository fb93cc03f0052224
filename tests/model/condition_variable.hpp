// ConditionVariable: std::condition_variable for virtual threads. A timeout may pass at any moment before a
// notification: both ends are tried.
#pragma once

#include <mutex>

#include "tests/model/mutex.hpp"

namespace weft::model {

class ConditionVariable {
public:
    ConditionVariable() = default;
    ConditionVariable(const ConditionVariable&) = delete;
    ConditionVariable& operator=(const ConditionVariable&) = delete;

    template <class Predicate>
    void wait(std::unique_lock<Mutex>& lock, Predicate predicate) {
        while (!predicate()) sleep(lock);
    }
    template <class Duration, class Predicate>
    bool wait_for(std::unique_lock<Mutex>& lock, const Duration&, Predicate predicate) {
        while (!predicate()) {
            if (Execution::current().choose(2) == 1) {
                lock.unlock();
                lock.lock();
                return predicate();
            }
            sleep(lock);
        }
        return true;
    }
    // Under the mutex, as the tree does it: no notification comes between a look and the sleep.
    void notify_all() { Execution::current().wake(this); }

private:
    void sleep(std::unique_lock<Mutex>& lock) {
        lock.unlock();
        Execution::current().block(this, "ConditionVariable::wait");
        lock.lock();
    }
};

}  // namespace weft::model
