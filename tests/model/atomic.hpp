// Atomic: std::atomic as the explorer sees it, with the same interface, so that production code is compiled over it
// unchanged. Each access is a step of the execution; the source line that made it comes along for the trace.
//
// Its location is made by the first access in an execution, with the value it was constructed with. So an array of
// which little is used costs little, and an atomic that lives longer than an execution (a static one) begins each anew.
// Outside of executions it is a plain variable.
//
// What lies in it must fit into 64 bits without padding. An operator (x = 1, ++x) cannot tell where it was called.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/model/execution.hpp"

namespace weft::model {

template <class T>
class Atomic {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Value));

    // What fetch_add and fetch_sub take.
    using Step = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;

public:
    using value_type = T;
    static constexpr bool is_always_lock_free = true;

    constexpr Atomic(const Where& where = Where::current()) : Atomic(T{}, where) {}  // NOLINT: as std::atomic's
    constexpr Atomic(T value, const Where& where = Where::current())  // NOLINT: implicit, as std::atomic's
        : value_(value), where_(where) {
        if (!std::is_constant_evaluated()) seat_ = Execution::unseated();
    }
    ~Atomic() {
        if (Execution* execution = Execution::running()) execution->leave(seat_);
    }
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    T load(Order order = Order::seq_cst, const Where& where = Where::current()) const {
        Execution* execution = Execution::running();
        if (execution == nullptr) return value_;
        return of(execution->load(seated(*execution), order, where));
    }
    void store(T value, Order order = Order::seq_cst, const Where& where = Where::current()) {
        Execution* execution = Execution::running();
        if (execution == nullptr) {
            value_ = value;
        } else {
            execution->store(seated(*execution), bits(value), order, where);
        }
    }
    operator T() const { return load(); }  // NOLINT: implicit, as std::atomic's
    T operator=(T value) {  // NOLINT: as std::atomic's
        store(value);
        return value;
    }

    T exchange(T value, Order order = Order::seq_cst, const Where& where = Where::current()) {
        return change(order, "exchange", where, [value](T) { return value; });
    }
    T fetch_add(Step by, Order order = Order::seq_cst, const Where& where = Where::current()) {
        return change(order, "fetch_add", where, [by](T old) { return static_cast<T>(old + by); });
    }
    T fetch_sub(Step by, Order order = Order::seq_cst, const Where& where = Where::current()) {
        return change(order, "fetch_sub", where, [by](T old) { return static_cast<T>(old - by); });
    }
    T fetch_and(T mask, Order order = Order::seq_cst, const Where& where = Where::current()) {
        return change(order, "fetch_and", where, [mask](T old) { return static_cast<T>(old & mask); });
    }
    T fetch_or(T mask, Order order = Order::seq_cst, const Where& where = Where::current()) {
        return change(order, "fetch_or", where, [mask](T old) { return static_cast<T>(old | mask); });
    }
    T fetch_xor(T mask, Order order = Order::seq_cst, const Where& where = Where::current()) {
        return change(order, "fetch_xor", where, [mask](T old) { return static_cast<T>(old ^ mask); });
    }

    bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                                 const Where& where = Where::current()) {
        return compare_exchange(expected, desired, success, failure, Execution::Strength::strong, where);
    }
    bool compare_exchange_strong(T& expected, T desired, Order order = Order::seq_cst,
                                 const Where& where = Where::current()) {
        return compare_exchange_strong(expected, desired, order, on_failure(order), where);
    }
    bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                               const Where& where = Where::current()) {
        return compare_exchange(expected, desired, success, failure, Execution::Strength::weak, where);
    }
    bool compare_exchange_weak(T& expected, T desired, Order order = Order::seq_cst,
                               const Where& where = Where::current()) {
        return compare_exchange_weak(expected, desired, order, on_failure(order), where);
    }

private:
    template <class, std::size_t>
    friend class AtomicArray;

    // Made with the array that it belongs to, not by whoever uses it first: so nothing here is told (plain_memory.hpp).
    __attribute__((no_sanitize("thread"))) Atomic(Execution::Seat made, const Where& where)
        : value_(), seat_(made), where_(where) {}

    static Value bits(T value) {
        Value result = 0;
        std::memcpy(&result, std::addressof(value), sizeof value);
        return result;
    }
    static T of(Value value) {
        T result;
        std::memcpy(&result, &value, sizeof result);
        return result;
    }
    static constexpr Order on_failure(Order order) {
        if (order == Order::acq_rel) return Order::acquire;
        return order == Order::release ? Order::relaxed : order;
    }

    Location seated(Execution& execution) const {
        if (seat_.run != execution.number() || seat_.location == Memory::kNone) {
            execution.seat(seat_, bits(value_), where_);
        }
        return seat_.location;
    }

    template <class F>
    T change(Order order, const char* verb, const Where& where, F next) {
        Execution* execution = Execution::running();
        if (execution == nullptr) {
            const T old = value_;
            value_ = next(old);
            return old;
        }
        const Location location = seated(*execution);
        const T old = of(execution->take(location, where));
        execution->put(location, bits(next(old)), order, verb, where);
        return old;
    }
    bool compare_exchange(T& expected, T desired, Order success, Order failure, Execution::Strength strength,
                          const Where& where) {
        Execution* execution = Execution::running();
        if (execution == nullptr) {
            if (bits(value_) == bits(expected)) {
                value_ = desired;
                return true;
            }
            expected = value_;
            return false;
        }
        Value value = bits(expected);
        if (execution->compare_exchange(seated(*execution), value, bits(desired), success, failure, strength, where))
            return true;
        expected = of(value);
        return false;
    }

    T value_;  // in every execution the first
    mutable Execution::Seat seat_{};
    const Where where_;
};

// What lies where in an AtomicArray.
class Shelf {
public:
    [[nodiscard]] void* find(std::size_t index) const;
    void put(std::size_t index, void* what);
    [[nodiscard]] const std::vector<std::pair<std::size_t, void*>>& all() const { return all_; }

private:
    std::vector<std::pair<std::size_t, void*>> all_;
};

// Of null or zero each. An element comes to be when it is used: most of a large array never is.
template <class T, std::size_t kSize>
class AtomicArray {
public:
    AtomicArray(const Where& where = Where::current()) : made_(Execution::unseated()), where_(where) {}  // NOLINT

    ~AtomicArray() {
        for (const auto& [index, atomic] : shelf_.all()) delete static_cast<Atomic<T>*>(atomic);
    }
    AtomicArray(const AtomicArray&) = delete;
    AtomicArray& operator=(const AtomicArray&) = delete;

    static constexpr std::size_t size() { return kSize; }
    Atomic<T>& operator[](std::size_t i) { return element(i); }
    const Atomic<T>& operator[](std::size_t i) const { return element(i); }

private:
    Atomic<T>& element(std::size_t i) const {
        if (void* known = shelf_.find(i)) return *static_cast<Atomic<T>*>(known);
        auto* const atomic = new Atomic<T>(made_, where_);
        shelf_.put(i, atomic);
        return *atomic;
    }

    const Execution::Seat made_;
    const Where where_;
    mutable Shelf shelf_;
};

// std::atomic_thread_fence, under a name that argument-dependent lookup does not confuse with it.
inline void fence(Order order, const Where& where = Where::current()) { Execution::current().fence(order, where); }

}  // namespace weft::model
