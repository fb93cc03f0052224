// Notified: a Parked whose wake grants nothing: its task looks again at what it waits for. So it may wait in several lines
// at once (lines.hpp).
//
// Those that are all woken together leave it at that. One that is woken in place of another says in pass_on() who is
// to be woken if its task does not look.
#pragma once

#include <coroutine>

#include "sync/parking_lot.hpp"

namespace weft::sync {

class Notified : public Parked {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return park(self.promise(), [this](Wakes&) { return there(); });
    }

    void await_resume() {
        if (!resumed()) return;
        if (interrupted()) [[unlikely]] {
            give_up();
            throw_cancelled();
        }
        (void)settle_alone();
    }

    // --- for lines.hpp -----------------------------------------------------------------------------------------

    // Joins the line, for a task that joins others, too. Returns false if there is nothing to wait for.
    bool join(TaskState& task, Race& race) {
        return join_line(task, &race, [this](Wakes&) { return there(); });
    }
    using Parked::gone;
    using Parked::leave;
    // Leaves, and its task does not look.
    void give_up() noexcept {
        if (leave() == Left::woken) pass_on();
    }

protected:
    using Parked::Parked;
    Notified(Notified&&) noexcept = default;
    ~Notified() {
        if (left_behind()) [[unlikely]]
            (void)leave();
    }

    // Under the mutex: is there what it waits for?
    [[nodiscard]] virtual bool there() const noexcept = 0;
    virtual void pass_on() noexcept {}
};

}  // namespace weft::sync
