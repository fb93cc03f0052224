// Cell: a plain variable whose accesses are checked: two that are not ordered by happens-before, one of them a write,
// fail the execution. Also how a model watches what production code hands over: the payload of an item, a frame.
#pragma once

#include <utility>

#include "tests/model/execution.hpp"

namespace weft::model {

template <class T>
class Cell {
public:
    explicit Cell(T value = {}, const Where& where = Where::current()) : value_(std::move(value)) {
        Execution::current().write_plain(epochs_, where);
    }
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;

    [[nodiscard]] const T& get(const Where& where = Where::current()) const {
        Execution::current().read_plain(epochs_, where);
        return value_;
    }
    void set(T value, const Where& where = Where::current()) {
        Execution::current().write_plain(epochs_, where);
        value_ = std::move(value);
    }

private:
    T value_;
    mutable Epochs epochs_;
};

}  // namespace weft::model
