// WhenProfiled: a member that exists only in a build with the profiler (WEFT_PROFILE). In every other build it is
// empty, and its operators are declared but never defined: a use outside of `if constexpr (kProfiled)` does not link,
// so what is off costs nothing because it is not there.
//
//     [[no_unique_address]] WhenProfiled<Tally> tally_;
//     if constexpr (kProfiled) tally_->add(ticks);
//
// Invariant: a program and the library that it is linked with agree on WEFT_PROFILE, because the layouts differ. A
// translation unit of the other kind does not link: undefined reference to built_with_WEFT_PROFILE (or built_without).
//
// Rejected: a switch at run time (a load and a branch at each fork, and a word in each branch); an inline namespace for
// each kind (a thread_local of an inline header would silently be there twice).
// Source: Cilkscale, which is a flavour of the runtime, too.
#pragma once

#include <type_traits>

#ifndef WEFT_PROFILE
#define WEFT_PROFILE 0
#endif

namespace weft {

// Whether this build has the profiler: CMake's -DWEFT_PROFILE=ON. See profile().
inline constexpr bool kProfiled = WEFT_PROFILE != 0;

namespace sync {

// Defined is only the one of the library's kind, and every translation unit refers to the one of its own.
extern const char built_with_WEFT_PROFILE;
extern const char built_without_WEFT_PROFILE;
#if WEFT_PROFILE
[[gnu::used]] inline const char* const wants_WEFT_PROFILE = &built_with_WEFT_PROFILE;
#else
[[gnu::used]] inline const char* const wants_no_WEFT_PROFILE = &built_without_WEFT_PROFILE;
#endif

template <class T>
class Present {
public:
    constexpr T* operator->() noexcept { return &value_; }
    constexpr T& operator*() noexcept { return value_; }
    constexpr const T& operator*() const noexcept { return value_; }

private:
    T value_{};
};

template <class T>
class Absent {
public:
    T* operator->() noexcept;
    T& operator*() noexcept;
    const T& operator*() const noexcept;
};

template <class T>
using WhenProfiled = std::conditional_t<kProfiled, Present<T>, Absent<T>>;

}  // namespace sync

}  // namespace weft
