// Seam: the names of scheduler/atomic.hpp, for programs compiled with WEFT_SEAM_HEADER="tests/model/seam.hpp". Code of
// the tree that includes scheduler/atomic.hpp then runs on the explorer, unchanged. Such a program never links the
// library, whose names it defines otherwise.
//
// std::this_thread::yield is no part of the seam; seam.cpp makes it a hint.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "tests/model/atomic.hpp"
#include "tests/model/atomic_ref.hpp"
#include "tests/model/cell.hpp"
#include "tests/model/condition_variable.hpp"
#include "tests/model/mutex.hpp"

namespace weft::scheduler {

[[nodiscard]] inline bool single_threaded() noexcept { return false; }

template <class T>
using Atomic = model::Atomic<T>;

template <class T>
using LoneAtomic = model::Atomic<T>;

template <class T, std::size_t kSize>
using AtomicArray = model::AtomicArray<T, kSize>;

template <class T>
using AtomicRef = model::AtomicRef<T>;

using Mutex = model::Mutex;
using ConditionVariable = model::ConditionVariable;

template <class T>
using Cell = model::Cell<T>;

inline void spin_hint() { model::Execution::current().spin_hint(); }

inline void fetch_to_write(const void*, std::size_t) {}

}  // namespace weft::scheduler
