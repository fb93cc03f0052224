// The seam for model checkers: every atomic, every lock and every plain cell whose exclusive access is part of a
// lock-free protocol goes through the names below. In a normal build they are the standard types and cost nothing;
// a model test names its own header in WEFT_SEAM_HEADER and compiles the very same protocol code over it.
//
// Rule: orderings are spelled at each access and carry a tag (`// R1 release: ...`), so that grep finds both sides.
// No stand-alone fences: ThreadSanitizer cannot see them.
#pragma once

#ifdef WEFT_SEAM_HEADER
#include WEFT_SEAM_HEADER
#else

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace weft::scheduler {

// The process has no other thread: then nobody can come between the two halves of a read-modify-write, and the lock
// prefix (5 ns each) is for nothing. libstdc++'s shared_ptr does the same. False where the C library does not say, and
// under ThreadSanitizer, which is to see every access.
[[nodiscard]] inline bool single_threaded() noexcept {
#if __has_include(<sys/single_threaded.h>) && !defined(__SANITIZE_THREAD__) && !defined(WEFT_ALWAYS_ATOMIC)
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return false;
#endif
#endif
    return __libc_single_threaded != 0;
#else
    return false;
#endif
}

template <class T>
using Atomic = std::atomic<T>;

template <class T, std::size_t kSize>
using AtomicArray = std::array<std::atomic<T>, kSize>;

// An Atomic of a program that may have one thread only, changed all the time: the words of futures and tasks.
template <class T>
class LoneAtomic : private std::atomic<T> {
    using Base = std::atomic<T>;

public:
    using Base::Base;
    using Base::load;
    using Base::store;

    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
        if (!single_threaded()) return Base::compare_exchange_weak(expected, desired, success, failure);
        return compare_exchange_plain(expected, desired);
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
        if (!single_threaded()) return Base::compare_exchange_strong(expected, desired, success, failure);
        return compare_exchange_plain(expected, desired);
    }
    T exchange(T next, std::memory_order order) noexcept {
        return single_threaded() ? replace(next) : Base::exchange(next, order);
    }
    T fetch_add(T by, std::memory_order order) noexcept {
        return single_threaded() ? replace(load(kPlain) + by) : Base::fetch_add(by, order);
    }
    T fetch_sub(T by, std::memory_order order) noexcept {
        return single_threaded() ? replace(load(kPlain) - by) : Base::fetch_sub(by, order);
    }
    T fetch_or(T bits, std::memory_order order) noexcept {
        return single_threaded() ? replace(load(kPlain) | bits) : Base::fetch_or(bits, order);
    }
    T fetch_and(T bits, std::memory_order order) noexcept {
        return single_threaded() ? replace(load(kPlain) & bits) : Base::fetch_and(bits, order);
    }

private:
    static constexpr std::memory_order kPlain = std::memory_order_relaxed;

    bool compare_exchange_plain(T& expected, T desired) noexcept {
        const T found = load(kPlain);
        if (found != expected) {
            expected = found;
            return false;
        }
        store(desired, kPlain);
        return true;
    }
    T replace(T next) noexcept {
        const T old = load(kPlain);
        store(next, kPlain);
        return old;
    }
};

// For an atomic that somebody else has declared as a plain variable.
template <class T>
using AtomicRef = std::atomic_ref<T>;

using Mutex = std::mutex;

// A plain variable that a protocol hands from one thread to another. A checker sees get and set and reports a race.
template <class T>
class Cell {
public:
    Cell() = default;
    explicit Cell(T value) : value_(std::move(value)) {}

    [[nodiscard]] const T& get() const { return value_; }
    void set(T value) { value_ = std::move(value); }

private:
    T value_{};
};

// Told between two tries of a bounded search.
inline void spin_hint() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Asks for the cache line `offset` bytes behind `address`, to be written soon: what another core has written last takes as
// long to come as a short task to run. Any address will do, also none.
inline void fetch_to_write(const void* address, std::size_t offset) {
    const std::uintptr_t line = reinterpret_cast<std::uintptr_t>(address) + offset;
#if defined(__x86_64__) || defined(__i386__)
    asm volatile("prefetchw (%0)" ::"r"(line));  // where it is unknown, a no-op
#else
    __builtin_prefetch(reinterpret_cast<const void*>(line), 1);
#endif
}

}  // namespace weft::scheduler

#endif
