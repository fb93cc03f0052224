// parallel_for and parallel_reduce: index ranges on branches, halved down to `grain`.
//
//     co_await parallel_for(0, n, 1024, [&](int i) { out[i] = f(in[i]); });
//
// fn is plain or returns a Coro; it lives as long as the operation and is called from many loops at once.
// Cost: one fork per `grain` indices. Cancel: as fork_join.
#pragma once

#include <concepts>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "sync/coro.hpp"
#include "sync/fork_join.hpp"

namespace weft {

namespace sync {

template <class I>
void check_grain(I grain) {
    if (grain < I{1}) {
        throw std::invalid_argument("grain is " + std::to_string(grain) + ": expected at least 1");
    }
}

template <class I>
I middle_of(I first, I last) {
    return static_cast<I>(first + (last - first) / 2);
}

template <class I, class F>
Coro<> for_each_index(I first, I last, I grain, F& fn) {
    if (last - first > grain) {
        const I middle = middle_of(first, last);
        co_await fork_join(for_each_index(first, middle, grain, fn), for_each_index(middle, last, grain, fn));
        co_return;
    }
    for (I i = first; i < last; ++i) {
        if constexpr (kIsCoro<std::invoke_result_t<F&, I>>) {
            co_await std::invoke(fn, i);
        } else {
            std::invoke(fn, i);
        }
    }
}

template <class I, class F>
Coro<> own_and_run_for(I first, I last, I grain, F fn) {
    if (first < last) co_await for_each_index(first, last, grain, fn);
}

template <class T, class I, class Map, class Combine>
Coro<T> reduce_range(I first, I last, I grain, Map& map, Combine& combine) {
    if (last - first > grain) {
        const I middle = middle_of(first, last);
        auto [left, right] = co_await fork_join(reduce_range<T>(first, middle, grain, map, combine),
                                                reduce_range<T>(middle, last, grain, map, combine));
        co_return std::invoke(combine, std::move(left), std::move(right));
    }
    if constexpr (kIsCoro<std::invoke_result_t<Map&, I>>) {
        T total = co_await std::invoke(map, first);
        for (I i = static_cast<I>(first + 1); i < last; ++i) {
            T value = co_await std::invoke(map, i);
            total = std::invoke(combine, std::move(total), std::move(value));
        }
        co_return total;
    } else {
        T total = std::invoke(map, first);
        for (I i = static_cast<I>(first + 1); i < last; ++i) {
            total = std::invoke(combine, std::move(total), T(std::invoke(map, i)));
        }
        co_return total;
    }
}

template <class T, class I, class Map, class Combine>
Coro<T> own_and_reduce(I first, I last, I grain, T init, Map map, Combine combine) {
    if (first >= last) co_return init;
    T total = co_await reduce_range<T>(first, last, grain, map, combine);
    co_return std::invoke(combine, std::move(init), std::move(total));
}

}  // namespace sync

// Calls fn(i) for each i in [first, last). Throws std::invalid_argument if grain < 1.
template <std::integral I, std::integral J, std::integral G, class F>
[[nodiscard]] Coro<> parallel_for(I first, J last, G grain, F fn) {
    using Index = std::common_type_t<I, J>;
    sync::check_grain(grain);
    return sync::own_and_run_for(static_cast<Index>(first), static_cast<Index>(last), static_cast<Index>(grain),
                                 std::move(fn));
}

// Returns combine(init, combine of map(i) over [first, last)). combine must be associative; the order of the indices
// is kept. Throws std::invalid_argument if grain < 1.
template <std::integral I, std::integral J, std::integral G, class T, class Map, class Combine>
[[nodiscard]] Coro<T> parallel_reduce(I first, J last, G grain, T init, Map map, Combine combine) {
    using Index = std::common_type_t<I, J>;
    sync::check_grain(grain);
    return sync::own_and_reduce(static_cast<Index>(first), static_cast<Index>(last), static_cast<Index>(grain),
                                std::move(init), std::move(map), std::move(combine));
}

}  // namespace weft
