#include "io/wait_readable.hpp"

#include "io/readiness.hpp"
#include "scheduler/loop_local.hpp"
#include "scheduler/schedule.hpp"

namespace weft::io {

using scheduler::LoopLocal;

ReadinessWait::ReadinessWait(int fd, Direction direction)
    : ValueFutureState<void>(2),
      fd_(fd),
      direction_(direction),
      loop_(sync::require_loop()),
      shell_(loop_.shell()),
      generation_(shell_.generation()) {
    LoopLocal<Readiness>::of(loop_).list(*this);
}

bool ReadinessWait::cancel(std::string_view message) noexcept {
    if (claim_to_cancel(message) == Claim::lost) return false;
    retain();
    if (scheduler::current_loop() == &loop_) {
        run();
    } else if (scheduler::schedule_on(*this, shell_, generation_) == scheduler::Sent::closed) {
        drop();
    }
    return true;
}

std::string ReadinessWait::in_words() const {
    return (direction_ == Direction::read ? "wait_readable(" : "wait_writable(") + std::to_string(fd_) + ')';
}

void ReadinessWait::run() noexcept {
    if (listed_) LoopLocal<Readiness>::find(loop_)->unlist(*this);
    drop();
}

void ReadinessWait::drop() noexcept {
    finish(sync::Outcome::cancelled);
    release();
}

}  // namespace weft::io
