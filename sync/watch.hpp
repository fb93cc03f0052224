// Watch: a value of which only the latest counts: configuration, state, progress. Who watches it, on any loop, sees that it
// changed, and what it is then; values in between may go unseen.
//
//     weft::Watch<Config> config(read_config());
//     auto watcher = config.subscribe();
//     for (apply(watcher.get());;) apply(co_await watcher.changed());
//
// Invariant: versions count up with every set(); a watcher has the version that it saw last, and none that it has seen
// comes again. A cancelled wait sees nothing. A value whose copy throws counts as seen.
//
// The mutex guards version and pointer; values are made, copied and destroyed outside it.
//
// Source: tokio's watch channel.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "scheduler/spin_lock.hpp"
#include "sync/in_turn.hpp"
#include "sync/notified.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

class WatchShutDown : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "the watch is shut down"; }
};

namespace sync {

// What has nothing to do with the type of the value.
class WatchBase {
public:
    // Who waits, or waits later, sees the last change and then gets WatchShutDown, as does who sets. Thread: any.
    void shutdown();

    // "watch 'config'"
    [[nodiscard]] const std::string& in_words() const noexcept { return lot_.in_words(); }

protected:
    explicit WatchBase(std::string_view name) : lot_("watch", mutex_, name) {}
    WatchBase(const WatchBase&) = delete;
    WatchBase& operator=(const WatchBase&) = delete;
    ~WatchBase() = default;

    class Change;

    mutable scheduler::SpinLock mutex_;
    bool shut_down_ = false;
    std::uint64_t version_ = 0;
    ParkingLot lot_;
};

class WatchBase::Change final : public Notified {
public:
    Change(WatchBase& watch, std::uint64_t seen) noexcept : Notified(watch.lot_), watch_(watch), seen_(seen) {}

private:
    [[nodiscard]] bool there() const noexcept override { return watch_.shut_down_ || watch_.version_ != seen_; }

    const WatchBase& watch_;
    const std::uint64_t seen_;
};

}  // namespace sync

// Outlives its watchers.
template <class T>
class Watch : public sync::WatchBase {
public:
    // `name` is for reports.
    explicit Watch(T value, std::string_view name = {})
        : WatchBase(name), value_(std::make_shared<const T>(std::move(value))) {}

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
                ++version_;
                lot_.claim_all(wakes);
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
        seen_ = watch.version_;
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
            if (seen_ != watch_->version_) {
                seen_ = watch_->version_;
                return watch_->value_;
            }
            if (!watch_->shut_down_) return nullptr;
        }
        throw WatchShutDown();
    }
    [[nodiscard]] std::shared_ptr<const T> see() {
        const std::lock_guard lock(watch_->mutex_);
        seen_ = watch_->version_;
        return watch_->value_;
    }

    Watch* watch_;
    std::uint64_t seen_;  // its task's
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
    [[nodiscard]] Change line() { return Change(*watcher_.watch_, watcher_.seen_); }
    [[nodiscard]] T result() { return *latest_; }

private:
    Watcher& watcher_;
    std::shared_ptr<const T> latest_;
};

}  // namespace weft
