// AtomicRef: std::atomic_ref as the explorer sees it, for a count of the C++ runtime's. Its value is in the program's memory,
// where the runtime, which is not modelled, changes it, too; a read-modify-write finds the newest anyway.
#pragma once

#include <utility>

#include "tests/model/execution.hpp"

namespace weft::model {

template <class T>
class AtomicRef;

template <>
class AtomicRef<int> {
public:
    explicit AtomicRef(int& count) : count_(count) {}

    int fetch_sub(int by, Order order, const Where& where = Where::current()) const {
        Execution* execution = Execution::running();
        if (execution == nullptr) return std::exchange(count_, count_ - by);
        return execution->change_count(count_, -by, order, &where);
    }

private:
    int& count_;
};

AtomicRef(int&) -> AtomicRef<int>;

}  // namespace weft::model
