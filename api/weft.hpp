// The whole of weft but Asio: asyncio's model on work-stealing event loops. See <weft/asio.hpp> for use_coro.
#pragma once

#include "api/loop.hpp"
#include "api/run_options.hpp"
#include "api/runner.hpp"
#include "api/runtime.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/context_var.hpp"
#include "sync/coro.hpp"
#include "sync/errors.hpp"
#include "sync/executor.hpp"
#include "sync/fork_join.hpp"
#include "sync/future.hpp"
#include "sync/gather.hpp"
#include "sync/parallel.hpp"
#include "sync/run_in_executor.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
