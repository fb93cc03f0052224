#include "tests/conformance/shared_objects.hpp"

#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weft::conformance {

namespace {

template <class T>
inline constexpr bool kIsQueue = std::is_base_of_v<sync::QueueBase, T>;
// acquire, release, locked, scoped
template <class T>
inline constexpr bool kIsLock =
    std::is_same_v<T, Lock> || std::is_same_v<T, Condition> || std::is_base_of_v<Semaphore, T>;

std::string text(bool value) { return value ? "1" : "0"; }

template <class T>
std::string look_at(T& shared) {
    if constexpr (kIsLock<T>) return text(shared.locked());
    if constexpr (kIsQueue<T>) return std::to_string(shared.qsize()) + " " + text(shared.empty()) + text(shared.full());
    if constexpr (std::is_same_v<T, Event>) return text(shared.is_set());
    if constexpr (std::is_same_v<T, Barrier>) {
        return std::to_string(shared.n_waiting()) + " of " + std::to_string(shared.parties()) + " " +
               text(shared.broken());
    }
}

[[noreturn]] void unknown(const std::string& what) { throw std::logic_error("nothing that can be asked: " + what); }

template <class T>
std::string ask_of(SharedObject& object, T& shared, const std::string& what, int argument) {
    if (what == "look") return look_at(shared);
    if constexpr (kIsLock<T>) {
        if (what == "release") {
            object.counts(1);  // before somebody else can take it
            try {
                shared.release();
            } catch (...) {
                object.counts(-1);
                throw;
            }
            return "-";
        }
    }
    if constexpr (std::is_same_v<T, Condition>) {
        if (what == "notify") return shared.notify(static_cast<std::size_t>(argument)), "-";
        if (what == "notify_all") return shared.notify_all(), "-";
    }
    if constexpr (std::is_same_v<T, Event>) {
        if (what == "set") return shared.set(), "-";
        if (what == "clear") return shared.clear(), "-";
    }
    if constexpr (kIsQueue<T>) {
        if (what == "put_nowait") {
            shared.put_nowait(argument);
            object.counts(1);
            return "-";
        }
        if (what == "get_nowait") {
            const int item = shared.get_nowait();
            object.counts(-1);
            return std::to_string(item);
        }
        if (what == "task_done") return shared.task_done(), "-";
        if (what == "shutdown") {
            if (argument != 0) object.unknown();  // how many items were discarded
            return shared.shutdown(argument != 0), "-";
        }
    }
    unknown(what);
}

template <class T>
Coro<std::string> want_of(SharedObject& object, T& shared, std::string what, int argument,
                          const std::function<int()>& predicate) {
    if constexpr (kIsLock<T>) {
        if (what == "acquire") {
            const bool acquired = co_await shared.acquire();
            object.counts(-1);
            co_return text(acquired);
        }
    }
    if constexpr (std::is_same_v<T, Condition>) {
        if (what == "wait") {
            const bool woken = co_await shared.wait();
            co_return text(woken);
        }
        if (what == "wait_for") {
            const int value = co_await shared.wait_for(predicate);
            co_return std::to_string(value);
        }
    }
    if constexpr (std::is_same_v<T, Event>) {
        if (what == "wait") {
            const bool set = co_await shared.wait();
            co_return text(set);
        }
    }
    if constexpr (std::is_same_v<T, Barrier>) {
        if (what == "wait") {
            const std::size_t index = co_await shared.wait();
            co_return std::to_string(index);
        }
        if (what == "reset") {
            co_await shared.reset();
            co_return "-";
        }
        if (what == "abort") {
            co_await shared.abort();
            co_return "-";
        }
    }
    if constexpr (kIsQueue<T>) {
        if (what == "put") {
            co_await shared.put(argument);
            object.counts(1);
            co_return "-";
        }
        if (what == "get") {
            const int item = co_await shared.get();
            object.counts(-1);
            co_return std::to_string(item);
        }
        if (what == "join") {
            co_await shared.join();
            co_return "-";
        }
    }
    unknown(what);
}

// How much can be taken without waiting. Takes it.
template <class T>
int take_all(T& shared) {
    int taken = 0;
    if constexpr (kIsLock<T>) {
        while (shared.try_acquire()) ++taken;
    } else {
        while (!shared.empty() && shared.try_get()) ++taken;
    }
    return taken;
}

template <class T>
std::string violation(SharedObject& object, T& shared) {
    if constexpr (kIsLock<T> || kIsQueue<T>) {
        if (!object.known()) return {};
        const int there = object.balance();
        const int taken = take_all(shared);
        object.counts(-taken);
        if (there != taken) {
            return shared.in_words() + ": " + std::to_string(there) + " are to be had, but " + std::to_string(taken) +
                   " can be taken\n";
        }
    } else if constexpr (std::is_same_v<T, Barrier>) {
        if (shared.n_waiting() != 0) return "a barrier counts tasks that have ended\n";
    }
    return {};
}

}  // namespace

SharedObjects::SharedObjects(const std::vector<Shared>& descriptions) {
    for (const auto& [kind, number] : descriptions) {
        if (kind == "lock") {
            objects_.emplace_back(std::in_place_type<Lock>, 1);
        } else if (kind == "event") {
            objects_.emplace_back(std::in_place_type<Event>, 0);
        } else if (kind == "condition" && number < 0) {
            objects_.emplace_back(std::in_place_type<Condition>, 1);
        } else if (kind == "condition") {
            SharedObject& lock = at(number);
            objects_.emplace_back(std::in_place_type<Condition>, 0, std::get<Lock>(lock.object())).shares(lock);
        } else if (kind == "semaphore") {
            objects_.emplace_back(std::in_place_type<Semaphore>, number, number);
        } else if (kind == "bounded") {
            objects_.emplace_back(std::in_place_type<BoundedSemaphore>, number, number);
        } else if (kind == "barrier") {
            objects_.emplace_back(std::in_place_type<Barrier>, 0, number);
        } else if (kind == "queue") {
            objects_.emplace_back(std::in_place_type<Queue<int>>, 0, number);
        } else if (kind == "priority") {
            objects_.emplace_back(std::in_place_type<PriorityQueue<int>>, 0, number);
        } else if (kind == "lifo") {
            objects_.emplace_back(std::in_place_type<LifoQueue<int>>, 0, number);
        } else {
            throw std::runtime_error("unknown kind " + kind);
        }
    }
}

std::string SharedObjects::look(int number) {
    return std::visit([](auto& shared) { return look_at(shared); }, at(number).object());
}

std::string SharedObjects::ask(int number, const std::string& what, int argument) {
    SharedObject& object = at(number);
    return std::visit([&](auto& shared) { return ask_of(object, shared, what, argument); }, object.object());
}

Coro<std::string> SharedObjects::want(int number, const std::string& what, int argument,
                                      const std::function<int()>& predicate) {
    SharedObject& object = at(number);
    return std::visit([&](auto& shared) { return want_of(object, shared, what, argument, predicate); },
                      object.object());
}

bool SharedObjects::free(int number) {
    SharedObject& object = at(number);
    const auto release = [&object](auto& shared) {
        using T = std::remove_cvref_t<decltype(shared)>;
        if constexpr (std::is_same_v<T, Lock> || std::is_same_v<T, Condition>) {
            if (!shared.locked()) return false;
            try {
                ask_of(object, shared, "release", 0);
                return true;
            } catch (const std::runtime_error&) {
                // On many loops another was faster.
            }
        }
        return false;
    };
    return std::visit(release, object.object());
}

std::string SharedObjects::violations() {
    std::string all;
    for (SharedObject& object : objects_) {
        all += std::visit([&object](auto& shared) { return violation(object, shared); }, object.object());
    }
    return all;
}

}  // namespace weft::conformance
