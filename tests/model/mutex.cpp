#include "tests/model/mutex.hpp"

namespace weft::model {

void Mutex::lock() {
    Execution& execution = Execution::current();
    execution.step("lock", Where::current());
    while (held_) execution.block(this, "Mutex::lock");
    held_ = true;
    execution.acquire(left_behind_);
}

void Mutex::unlock() {
    Execution& execution = Execution::current();
    held_ = false;
    execution.release(left_behind_);
    execution.wake(this);
}

}  // namespace weft::model
