// drop_duplicates: a collection of handles names each future once, where asyncio makes a set of it. Mostly there are none:
// then a sorted copy of the addresses is all it takes (a hash set costs an allocation a handle).
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sync/future.hpp"

namespace weft::sync {

// Keeps the first of each. Throws InvalidStateError if one is empty.
template <class H>
void drop_duplicates(std::vector<H>& handles) {
    std::vector<const FutureState*> states;
    states.reserve(handles.size());
    for (const H& handle : handles) states.push_back(&handle.state());
    std::ranges::sort(states);
    if (std::ranges::adjacent_find(states) == states.end()) return;
    const auto [first, last] = std::ranges::unique(states);
    states.erase(first, last);
    std::vector<bool> seen(states.size());
    std::erase_if(handles, [&](const H& handle) {
        const auto place = std::ranges::lower_bound(states, &handle.state()) - states.begin();
        const bool again = seen[static_cast<std::size_t>(place)];
        seen[static_cast<std::size_t>(place)] = true;
        return again;
    });
}

}  // namespace weft::sync
