// Parker: how a virtual thread sleeps until it is unparked: one token. As weak as a parker may be: unpark happens
// before the park that takes its token, and nothing else is ordered; in particular it is no fence.
#pragma once

#include <cstdint>

#include "tests/model/execution.hpp"

namespace weft::model {

class Parker {
public:
    // So many deadlines may pass although somebody else could still go on.
    explicit Parker(std::uint32_t early_deadlines = kUnbounded) : early_deadlines_(early_deadlines) {}
    Parker(const Parker&) = delete;
    Parker& operator=(const Parker&) = delete;

    enum class [[nodiscard]] Woken : std::uint8_t { by_unpark, by_time };

    void park();
    // The deadline may pass at any moment before an unpark: both ends are tried. It passes when nobody can go on.
    Woken park_until_some_time();
    void unpark();

private:
    void take();

    std::uint32_t early_deadlines_;
    bool token_ = false;
    View left_behind_;
};

}  // namespace weft::model
