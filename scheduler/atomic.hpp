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

#include <atomic>
#include <mutex>
#include <utility>

namespace weft::scheduler {

template <class T>
using Atomic = std::atomic<T>;

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

}  // namespace weft::scheduler

#endif
