#include "tests/model/seam.hpp"

#include <sched.h>

// What std::this_thread::yield calls: in a model, another virtual thread goes on instead of another real one. A
// sanitizer's runtime calls it, too, outside of any model.
extern "C" int sched_yield() noexcept {
    if (weft::model::Execution* execution = weft::model::Execution::running()) execution->spin_hint();
    return 0;
}
