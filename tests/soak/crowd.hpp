// Crowd: the tasks of one round, all over the loops, and tasks on other loops that cancel some of them at any moment.
// Ends: how they ended.
#pragma once

#include <cstdint>
#include <vector>

#include "api/loop.hpp"
#include "sync/coro.hpp"
#include "sync/task.hpp"
#include "tests/soak/random.hpp"

namespace weft::soak {

struct Ends {
    std::uint32_t values = 0;
    std::uint32_t cancelled = 0;
    std::uint32_t failed = 0;  // Intended
    std::uint32_t hits = 0;    // cancels that came in time, perhaps several for one task
};

// Any loop, or a certain one.
[[nodiscard]] LoopChoice somewhere(Random& random);

[[nodiscard]] Loop& some_loop(Random& random);

// Gives the loops a chance to do something else first: now and then for some time.
[[nodiscard]] Coro<> pause(Random& random);

class Crowd {
public:
    explicit Crowd(Random random) : random_(random) {}

    void add(Coro<> member);

    [[nodiscard]] std::size_t size() const { return members_.size(); }

    // Cancels members about so many times; waits until all have ended. The first `safe` are left alone.
    [[nodiscard]] Coro<Ends> disturbed(std::uint32_t cancels, std::size_t safe = 0);
    // Cancels none.
    [[nodiscard]] Coro<Ends> ended();

private:
    Random random_;
    std::vector<Task<>> members_;
};

}  // namespace weft::soak
