// Watch: a callback that runs on its loop each time something happens: a descriptor is ready, a signal came; always in
// the same copy of the context in which it was made (rule 26).
//
// Invariant: queued at most once, whatever happens meanwhile. When its owner lets it go it runs no more and its callable
// is destroyed, at once or when the call that let it go has returned; the memory goes when no queue holds it any more.
//
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "scheduler/handle.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"
#include "sync/context_state.hpp"

namespace weft::io {

class Watch : public scheduler::Runnable {
public:
    // Asks for one call, unless one is under way.
    void notify(scheduler::Loop& loop) {
        if (calls_ == 0) notify(loop, 1);
    }
    // Asks for that many more calls.
    void notify(scheduler::Loop& loop, std::uint32_t times) {
        calls_ += times;
        if (std::exchange(queued_, true)) return;
        loop.push_pinned(*this);
    }

    // Calls that were asked for and not made yet.
    [[nodiscard]] std::uint32_t outstanding() const { return calls_; }

    // In place of a destructor.
    void let_go() noexcept {
        let_go_ = true;
        if (running_) return;
        destroy_callable();
        if (!queued_) delete this;
    }

    void run() noexcept final {
        queued_ = false;
        running_ = true;
        call_all(std::exchange(calls_, 0));
        running_ = false;
        if (!let_go_) return;
        destroy_callable();
        if (!queued_) delete this;
    }
    [[nodiscard]] std::string describe() const final { return "the callback of a descriptor or signal"; }
    void drop() noexcept final {
        queued_ = false;
        if (let_go_) delete this;
    }

protected:
    Watch() = default;
    virtual ~Watch() = default;
    virtual void call() = 0;
    virtual void destroy_callable() noexcept = 0;

private:
    void call_all(std::uint32_t calls) noexcept {
        const sync::ContextEntry entry(context_);
        for (; calls != 0 && !let_go_; --calls) {
            try {
                call();
            } catch (...) {
                scheduler::report_callback_exception(std::current_exception());
            }
        }
    }

    sync::ContextSlot context_ = sync::context_for(nullptr);
    std::uint32_t calls_ = 0;
    bool queued_ = false;
    bool running_ = false;
    bool let_go_ = false;
};

template <class F>
class WatchOf final : public Watch {
public:
    explicit WatchOf(F callable) : callable_(std::move(callable)) {}

private:
    void call() override { (void)std::invoke(*callable_); }
    void destroy_callable() noexcept override { callable_.reset(); }

    std::optional<F> callable_;
};

// Owns a Watch, or none.
class OwnedWatch {
public:
    OwnedWatch() = default;
    explicit OwnedWatch(Watch* watch) noexcept : watch_(watch) {}
    OwnedWatch(OwnedWatch&& other) noexcept : watch_(std::exchange(other.watch_, nullptr)) {}
    OwnedWatch& operator=(OwnedWatch&& other) noexcept {
        if (Watch* const before = std::exchange(watch_, std::exchange(other.watch_, nullptr))) before->let_go();
        return *this;
    }
    ~OwnedWatch() {
        if (watch_ != nullptr) watch_->let_go();
    }

    explicit operator bool() const noexcept { return watch_ != nullptr; }
    [[nodiscard]] Watch* get() const noexcept { return watch_; }
    [[nodiscard]] Watch* operator->() const noexcept { return watch_; }

private:
    Watch* watch_ = nullptr;
};

template <class F>
[[nodiscard]] OwnedWatch make_watch(F callable) {
    return OwnedWatch(new WatchOf<F>(std::move(callable)));
}

}  // namespace weft::io
