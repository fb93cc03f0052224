// SharedObjects: the locks, events, conditions, semaphores, barriers and queues that the tasks of a random program share.
// The twin of shared_objects.py: whoever changes one changes both.
//
// After a run on many loops each is asked whether it still makes sense: what can be taken is what was there and what came,
// less what was taken.
//
// Thread: any; they are all made before the first task.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "sync/barrier.hpp"
#include "sync/condition.hpp"
#include "sync/coro.hpp"
#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/queue.hpp"
#include "sync/semaphore.hpp"
#include "tests/conformance/program.hpp"

namespace weft::conformance {

class SharedObject {
public:
    using Object = std::variant<Lock, Event, Condition, Semaphore, BoundedSemaphore, Barrier, Queue<int>,
                                PriorityQueue<int>, LifoQueue<int>>;

    template <class Kind, class... Arguments>
    SharedObject(std::in_place_type_t<Kind> kind, int there, Arguments&&... arguments)
        : object_(kind, std::forward<Arguments>(arguments)...), balance_(there) {}

    [[nodiscard]] Object& object() { return object_; }
    // What a condition has taken and given is its lock's.
    void shares(SharedObject& lock) { lock_ = &lock; }
    // So many were taken (less than zero) or came: of a lock, permits or items. Exact unless `unknown`.
    void counts(int change) { owner().balance_.fetch_add(change, std::memory_order_relaxed); }
    void unknown() { known_.store(false, std::memory_order_relaxed); }
    // What can be taken, by the count.
    [[nodiscard]] int balance() { return owner().balance_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool known() const { return known_.load(std::memory_order_relaxed); }

private:
    [[nodiscard]] SharedObject& owner() { return lock_ != nullptr ? *lock_ : *this; }

    Object object_;
    SharedObject* lock_ = nullptr;
    std::atomic<int> balance_;
    std::atomic<bool> known_{true};
};

class SharedObjects {
public:
    explicit SharedObjects(const std::vector<Shared>& descriptions);

    [[nodiscard]] std::size_t size() const { return objects_.size(); }
    [[nodiscard]] SharedObject& at(int number) { return objects_.at(static_cast<std::size_t>(number)); }

    [[nodiscard]] std::string look(int number);
    // What does not suspend. Returns what goes into the trace.
    std::string ask(int number, const std::string& what, int argument);
    // What may suspend.
    Coro<std::string> want(int number, const std::string& what, int argument, const std::function<int()>& predicate);
    // Releases a lock that is held, for those that wait for it. Returns whether it was.
    bool free(int number);

    // Once no task is left: those that do not make sense, a line each. Takes all there is.
    [[nodiscard]] std::string violations();

private:
    std::deque<SharedObject> objects_;
};

}  // namespace weft::conformance
