#include "tests/model/seam.hpp"

#include <sched.h>

// What std::this_thread::yield calls: in a model, another virtual thread goes on instead of another real one.
extern "C" int sched_yield() noexcept {
    weft::scheduler::spin_hint();
    return 0;
}
