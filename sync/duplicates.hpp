// drop_duplicates: a collection of handles names each future once, where asyncio makes a set of it.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "sync/future.hpp"

namespace weft::sync {

// The handles' states; the handles keep them alive. Throws InvalidStateError if one is empty.
template <class H>
[[nodiscard]] std::vector<FutureState*> states_of(const std::vector<H>& handles) {
    std::vector<FutureState*> states;
    states.reserve(handles.size());
    for (const H& handle : handles) states.push_back(&handle.state());
    return states;
}

// Returns for each state whether an earlier one is the same; nothing at all if there are no such states.
[[nodiscard]] std::vector<bool> find_duplicates(const std::vector<FutureState*>& states);

// Keeps the first of each. Throws InvalidStateError if one is empty.
template <class H>
void drop_duplicates(std::vector<H>& handles) {
    const std::vector<bool> again = find_duplicates(states_of(handles));
    if (again.empty()) return;
    std::vector<H> kept;
    for (std::size_t i = 0; i < handles.size(); ++i) {
        if (!again[i]) kept.push_back(std::move(handles[i]));
    }
    handles = std::move(kept);
}

}  // namespace weft::sync
