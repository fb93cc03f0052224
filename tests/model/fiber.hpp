// Fiber: a stack of its own and the place where it stopped: what a virtual thread runs on. All fibers of an execution
// share one real thread, so nothing here needs a lock and every switch is chosen.
//
// Invariant: exactly one Fiber runs; every other one stands in switch_to, has not begun, or was abandoned. An abandoned
// stack is not unwound (the code on it is noexcept, and half way through a protocol): the next start reuses it. So
// code on a Fiber should own nothing that matters; the body of the model owns the state.
//
// Rejected: boost::context::fiber (unwinds by an exception, through noexcept), ucontext (a system call per switch).
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <cstddef>
#include <functional>
#include <optional>

namespace weft::model {

class Fiber {
public:
    Fiber() = default;
    ~Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    // The next switch to this Fiber calls `body`, which must never return: it switches away for good.
    void start(std::function<void()> body);

    // Stops here and goes on there; returns when somebody switches back.
    void switch_to(Fiber& other);

private:
    static constexpr std::size_t kStackBytes = 256 * 1024;

    static void enter(boost::context::detail::transfer_t from);
    // First thing on the stack switched to: remembers where the other one stopped.
    static void arrive(boost::context::detail::transfer_t from);

    boost::context::detail::fcontext_t stopped_ = nullptr;
    std::optional<boost::context::stack_context> stack_;  // none: a real thread's
    std::function<void()> body_;
    // For AddressSanitizer, which wants to know on which stack it is.
    [[maybe_unused]] void* fake_stack_ = nullptr;
    const void* bottom_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace weft::model
