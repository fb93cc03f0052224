// Interruption: SystemExit or KeyboardInterrupt on the way out of a loop's run(). What leaves a callback (rule 21) or a
// task's body (rule 57) with one of them ends the run; any other exception is reported or stored, and the loop goes on.
#pragma once

#include <exception>

namespace weft::sync {

[[nodiscard]] bool is_interruption(const std::exception_ptr& failure) noexcept;

// Lets an interruption out of the running loop's run(), after the current step. Returns false, and nothing has
// happened, for any other exception and off the loops.
bool interrupt_run(const std::exception_ptr& failure) noexcept;

}  // namespace weft::sync
