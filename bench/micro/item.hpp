// Item: a Runnable that counts its runs.
#pragma once

#include <cstdint>

#include "scheduler/runnable.hpp"

namespace weft::micro {

class Item final : public scheduler::Runnable {
public:
    void run() noexcept override { ++runs_; }
    void drop() noexcept override {}

    [[nodiscard]] std::uint64_t runs() const { return runs_; }

private:
    std::uint64_t runs_ = 0;
};

}  // namespace weft::micro
