// make_loops: the loops of a Runner or Runtime, and their threads. Not for users: what they include stays without it.
#pragma once

#include <memory>

#include "api/run_options.hpp"
#include "scheduler/threads.hpp"

namespace weft::detail {

// Of options that with_environment() gave.
[[nodiscard]] scheduler::Threads::Options thread_options(const RunOptions& options);

// The same; loops that are weft::Loop, not started. `interrupted`: as for scheduler::Threads.
[[nodiscard]] std::unique_ptr<scheduler::Threads> make_loops(const RunOptions& options,
                                                             scheduler::Threads::Interrupted interrupted);

}  // namespace weft::detail
