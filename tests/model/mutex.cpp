#include "tests/model/mutex.hpp"

namespace weft::model {

void Mutex::begin(const Execution& execution) {
    if (run_ == execution.number()) return;
    run_ = execution.number();
    held_ = false;
    left_behind_ = {};
}

void Mutex::lock() {
    Execution* execution = Execution::running();
    if (execution == nullptr) return;
    begin(*execution);
    execution->step(this, "lock", Where::current());
    while (held_) execution->block(this, "Mutex::lock");
    held_ = true;
    execution->acquire(this, left_behind_);
}

void Mutex::unlock() {
    Execution* execution = Execution::running();
    if (execution == nullptr) return;
    held_ = false;
    execution->release(this, left_behind_);
    execution->wake(this);
}

}  // namespace weft::model
