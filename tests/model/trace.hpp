// Trace: what happened in one execution, step by step, for a human. Written only when a failed execution is replayed.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "tests/model/memory.hpp"

namespace weft::model {

class Trace {
public:
    struct Event {
        Thread thread = 0;
        const char* verb = "";
        Location location = Memory::kNone;
        std::optional<Order> order = {};
        std::optional<Value> read = {};
        std::optional<Value> written = {};
        Stamp behind = 0;  // how many messages newer than the one read there were
        std::source_location where = {};
    };

    void clear() { events_.clear(); }
    void add(const Event& event) { events_.push_back(event); }
    [[nodiscard]] bool empty() const { return events_.empty(); }

    // One line per event: "2  load     acquire  a1@inbox.hpp:79  -> 0  (old: 1 newer)   inbox.hpp:48".
    [[nodiscard]] std::string text() const;

private:
    std::vector<Event> events_;
};

const char* name_of(Order order);

// "spin_lock.hpp:40"
std::string short_place(const std::source_location& where);

}  // namespace weft::model
