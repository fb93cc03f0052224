// FailureTrace: through which coroutines a task's exception left, and where each of them awaited. Written on the way of
// the exception only, by the thread that runs the task; read once the task is done.
//
// An exception that goes on from one task to the one that awaits it takes its trace along.
#pragma once

#include <cstddef>
#include <exception>
#include <source_location>
#include <typeinfo>
#include <vector>

namespace weft::sync {

class PromiseBase;

class FailureTrace {
public:
    // `failure` leaves `promise`. Begins anew if it is not what has left the coroutine that `promise` awaited.
    void pass(const PromiseBase& promise, const std::exception_ptr& failure);

    // `failure` comes out of something that the task awaited, and had come this way before.
    void adopt(const FailureTrace& before, const std::exception_ptr& failure);

    // The innermost kMost, innermost first; and how many more there were.
    static constexpr std::size_t kMost = 100;
    [[nodiscard]] const std::vector<std::source_location>& sites() const noexcept { return sites_; }
    [[nodiscard]] std::size_t left_out() const noexcept { return left_out_; }

private:
    // To compare. A trace must not keep an exception alive that somebody has caught; so one of the same type at the same
    // address, thrown by or below the coroutine that caught the first, is taken for it.
    const void* exception_ = nullptr;
    const std::type_info* type_ = nullptr;
    const PromiseBase* expected_ = nullptr;  // who awaits what the exception left last; null: whoever comes
    std::vector<std::source_location> sites_;
    std::size_t left_out_ = 0;
};

}  // namespace weft::sync
