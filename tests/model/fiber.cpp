#include "tests/model/fiber.hpp"

#include <exception>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_MODEL_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WEFT_MODEL_ASAN
#endif
#ifdef WEFT_MODEL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace weft::model {

namespace {

struct Switch {
    Fiber* from;
    Fiber* to;
};

}  // namespace

Fiber::~Fiber() {
    if (stack_) boost::context::protected_fixedsize_stack(kStackBytes).deallocate(*stack_);
}

void Fiber::start(std::function<void()> body) {
    body_ = std::move(body);
    if (!stack_) stack_ = boost::context::protected_fixedsize_stack(kStackBytes).allocate();
    size_ = kStackBytes;
    bottom_ = static_cast<const char*>(stack_->sp) - kStackBytes;
#ifdef WEFT_MODEL_ASAN
    __asan_unpoison_memory_region(bottom_, size_);  // an abandoned stack leaves its red zones behind
    fake_stack_ = nullptr;
#endif
    stopped_ = boost::context::detail::make_fcontext(stack_->sp, stack_->size, enter);
}

void Fiber::switch_to(Fiber& other) {
    Switch change{this, &other};
#ifdef WEFT_MODEL_ASAN
    __sanitizer_start_switch_fiber(&fake_stack_, other.bottom_, other.size_);
#endif
    arrive(boost::context::detail::jump_fcontext(other.stopped_, &change));
}

void Fiber::arrive(boost::context::detail::transfer_t transfer) {
    const auto& change = *static_cast<Switch*>(transfer.data);
    change.from->stopped_ = transfer.fctx;
#ifdef WEFT_MODEL_ASAN
    __sanitizer_finish_switch_fiber(change.to->fake_stack_, &change.from->bottom_, &change.from->size_);
#endif
}

void Fiber::enter(boost::context::detail::transfer_t transfer) {
    Fiber& self = *static_cast<Switch*>(transfer.data)->to;
    arrive(transfer);
    self.body_();
    std::terminate();
}

}  // namespace weft::model
