// Parker: how a virtual thread sleeps until it is unparked: one token. As weak as a parker may be: unpark happens
// before the park that takes its token, and nothing else is ordered; in particular it is no fence.
#pragma once

#include "tests/model/execution.hpp"

namespace weft::model {

class Parker {
public:
    Parker() = default;
    Parker(const Parker&) = delete;
    Parker& operator=(const Parker&) = delete;

    void park() {
        Execution& execution = Execution::current();
        execution.step("park", Where::current());
        while (!token_) execution.block(this, "Parker::park");
        take(execution);
    }
    enum class [[nodiscard]] Woken : std::uint8_t { by_unpark, by_time };
    // The deadline may pass at any moment: both ends are tried.
    Woken park_until_some_time() {
        Execution& execution = Execution::current();
        execution.step("park", Where::current());
        if (!token_ && execution.choose(2) == 1) return Woken::by_time;
        while (!token_) execution.block(this, "Parker::park_until_some_time");
        take(execution);
        return Woken::by_unpark;
    }
    void unpark() {
        Execution& execution = Execution::current();
        execution.step("unpark", Where::current());
        token_ = true;
        execution.release(left_behind_);
        execution.wake(this);
    }

private:
    void take(Execution& execution) {
        token_ = false;
        execution.acquire(left_behind_);
    }

    bool token_ = false;
    View left_behind_;
};

}  // namespace weft::model
