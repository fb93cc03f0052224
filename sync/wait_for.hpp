// wait_for: awaits something for at most a time, inside the awaiting task. Rules 133 to 145.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "sync/coro.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"
#include "sync/timeout.hpp"
#include "sync/wait.hpp"

namespace weft {

namespace sync {

// A task stays with this loop: another one could begin it, and let it take something, before it is cancelled.
template <class A>
[[nodiscard]] FutureRef not_begun(A awaitable) {
    if constexpr (kIsHandle<A>) {
        return ensure_future(std::move(awaitable)).ref();
    } else {
        return create_task(std::move(awaitable), {.loop = &require_loop()}).ref();
    }
}

// Rule 135: no time at all. What is done gives its outcome, anything else is cancelled and awaited.
template <class A>
Coro<AwaitResult<A>> wait_for_nothing(A awaitable) {
    using T = AwaitResult<A>;
    const FutureRef ref = not_begun(std::move(awaitable));
    FutureState& state = ref.get();
    if (!state.done()) {
        co_await cancel_and_wait(ref);
        // A gather fails with its CancelledError: rule 114.
        if (state.outcome() != Outcome::value && is_cancellation(state.failure())) throw TimeoutError();
    }
    state.check();
    state.mark_retrieved();
    co_return read_value<T>(state, state.sole_owner());
}

}  // namespace sync

// Returns what `awaitable` gives. Throws TimeoutError after `timeout` (none: no limit), counted from the call, and
// once the awaitable, which is cancelled then, has really ended.
// Cancel: goes to the awaitable.
template <class A>
    requires Awaitable<A>
[[nodiscard]] Coro<AwaitResult<std::remove_cvref_t<A>>> wait_for(A&& awaitable, std::optional<Duration> timeout) {
    using Given = std::remove_cvref_t<A>;
    static_assert(!sync::kIsCoro<Given> || std::is_rvalue_reference_v<A&&>,
                  "a named Coro must be given away: write std::move(coro)");
    if (timeout && *timeout <= Duration::zero()) return sync::wait_for_nothing<Given>(std::forward<A>(awaitable));
    return run_with_timeout<Given>(sync::Deadline::after(timeout), std::forward<A>(awaitable));
}

}  // namespace weft
