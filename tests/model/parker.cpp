#include "tests/model/parker.hpp"

namespace weft::model {

void Parker::park() {
    Execution& execution = Execution::current();
    execution.step(this, "park", Where::current());
    while (!token_) execution.block(this, "Parker::park");
    take();
}

Parker::Woken Parker::park_until_some_time() {
    Execution& execution = Execution::current();
    execution.step(this, "park", Where::current());
    if (!token_ && early_deadlines_ != 0 && execution.choose(2) == 1) {
        if (early_deadlines_ != kUnbounded) --early_deadlines_;
        return Woken::by_time;
    }
    while (!token_) {
        if (!execution.block_for_some_time(this, "Parker::park_until_some_time")) return Woken::by_time;
    }
    take();
    return Woken::by_unpark;
}

void Parker::unpark() {
    Execution& execution = Execution::current();
    execution.step(this, "unpark", Where::current());
    token_ = true;
    execution.release(this, left_behind_);
    execution.wake(this);
}

void Parker::take() {
    token_ = false;
    Execution::current().acquire(this, left_behind_);
}

}  // namespace weft::model
