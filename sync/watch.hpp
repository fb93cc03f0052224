// Watch: a value of which only the latest counts: configuration, state, progress. Who watches it, on any loop, sees that it
// changed, and what it is then; values in between may go unseen.
//
//     weft::Watch<Config> config(read_config());
//     auto watcher = config.subscribe();
//     for (apply(watcher.get());;) apply(co_await watcher.changed());
//
// Invariant: every set() has a number; a watcher has the one after the last that it saw, and none that it has seen comes
// again. A cancelled wait sees nothing. A value whose copy throws counts as seen.
//
// The mutex guards number and pointer; values are made, copied and destroyed outside it.
//
// Source: tokio's watch channel.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "sync/in_turn.hpp"
#include "sync/news.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

class WatchShutDown : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "the watch is shut down"; }
};

// Outlives its watchers. After shutdown() they see the last change, and then get WatchShutDown, as does who sets.
template <class T>
class Watch : public sync::News {
public:
    // `name` is for reports.
    explicit Watch(T value, std::string_view name = {})
        : News("watch", name), value_(std::make_shared<const T>(std::move(value))) {}

    // Returns a copy of what it is now. Thread: any.
    [[nodiscard]] T get() const { return *latest(); }

    // Throws WatchShutDown. Thread: any.
    void set(T value) {
        std::shared_ptr<const T> next = std::make_shared<const T>(std::move(value));
        {
            sync::Wakes wakes;
            const std::lock_guard lock(mutex_);
            if (!shut_down_) [[likely]] {
                value_.swap(next);
                told(wakes);
                return;
            }
        }
        throw WatchShutDown();
    }

    class Watcher;
    // It has seen what the value is now. Thread: any.
    [[nodiscard]] Watcher subscribe() { return Watcher(*this); }

private:
    [[nodiscard]] std::shared_ptr<const T> latest() const {
        const std::lock_guard lock(mutex_);
        return value_;
    }

    std::shared_ptr<const T> value_;
};

// One task's at a time.
template <class T>
class Watch<T>::Watcher {
public:
    explicit Watcher(Watch& watch) : watch_(&watch) {
        const std::lock_guard lock(watch.mutex_);
        wanted_ = watch.next_;
    }

    class Changed;
    // Waits for a value that this watcher has not seen. Returns, when awaited, a copy of the latest. Throws WatchShutDown.
    // Cancel: the change is seen by the next call. Thread: a task's.
    // Cost: if there is one, one lock; otherwise a coroutine's frame, too.
    [[nodiscard]] sync::InTurn<Changed> changed() & { return sync::InTurn<Changed>(*this); }
    void changed() && = delete;  // the watcher would be gone before the change comes: give it a name

    // Returns a copy of what the value is now; from here on that is seen. Thread: any, while nobody waits with this watcher.
    [[nodiscard]] T get() {
        const std::shared_ptr<const T> latest = see();
        return *latest;
    }

private:
    // Returns null if there is nothing new.
    [[nodiscard]] std::shared_ptr<const T> take() {
        {
            const std::lock_guard lock(watch_->mutex_);
            if (wanted_ != watch_->next_) {
                wanted_ = watch_->next_;
                return watch_->value_;
            }
            if (!watch_->shut_down_) return nullptr;
        }
        throw WatchShutDown();
    }
    [[nodiscard]] std::shared_ptr<const T> see() {
        const std::lock_guard lock(watch_->mutex_);
        wanted_ = watch_->next_;
        return watch_->value_;
    }

    Watch* watch_;
    std::uint64_t wanted_;  // its task's
};

// As in_turn.hpp says.
template <class T>
class Watch<T>::Watcher::Changed {
public:
    explicit Changed(Watcher& watcher) noexcept : watcher_(watcher) {}

    [[nodiscard]] bool attempt() {
        latest_ = watcher_.take();
        return latest_ != nullptr;
    }
    [[nodiscard]] bool attempt_woken() { return attempt(); }
    [[nodiscard]] Arrival line() { return Arrival(*watcher_.watch_, watcher_.wanted_); }
    [[nodiscard]] T result() { return *latest_; }

private:
    Watcher& watcher_;
    std::shared_ptr<const T> latest_;
};

}  // namespace weft
