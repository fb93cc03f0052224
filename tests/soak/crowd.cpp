#include "tests/soak/crowd.hpp"

#include <chrono>
#include <utility>

#include "sync/errors.hpp"
#include "sync/sleep.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

Coro<std::uint32_t> cancel_some(const std::vector<Task<>>& members, std::size_t safe, std::uint32_t cancels,
                                Random random) {
    std::uint32_t hits = 0;
    const auto victims = static_cast<std::uint32_t>(members.size() - safe);
    for (; cancels != 0; --cancels) {
        co_await pause(random);
        hits += members[safe + random.below(victims)].cancel();
    }
    co_return hits;
}

}  // namespace

Loop& some_loop(Random& random) {
    const std::vector<Loop*> loops = get_loops();
    return *loops[random.below(static_cast<std::uint32_t>(loops.size()))];
}

LoopChoice somewhere(Random& random) {
    if (random.one_in(2)) return any_loop;
    return &some_loop(random);
}

Coro<> pause(Random& random) {
    const std::uint32_t kind = random.below(8);
    if (kind < 3) co_return;
    if (kind == 7) {
        co_await sleep(random.up_to(300us));
    } else {
        co_await sleep(0s);
    }
}

void Crowd::add(Coro<> member) { members_.push_back(create_task(std::move(member), {.loop = somewhere(random_)})); }

Coro<Ends> Crowd::disturbed(std::uint32_t cancels, std::size_t safe) {
    std::vector<Task<std::uint32_t>> disturbers;
    for (std::uint32_t left = cancels; left != 0;) {
        const std::uint32_t share = random_.from_to(1, left);
        left -= share;
        disturbers.push_back(
            create_task(cancel_some(members_, safe, share, random_.split()), {.loop = somewhere(random_)}));
    }
    std::uint32_t hits = 0;
    for (const Task<std::uint32_t>& disturber : disturbers) hits += co_await disturber;
    Ends ends = co_await ended();
    ends.hits = hits;
    co_return ends;
}

Coro<Ends> Crowd::ended() {
    Ends ends;
    for (const Task<>& member : members_) {
        try {
            co_await member;
            ++ends.values;
        } catch (const CancelledError&) {
            ++ends.cancelled;
        } catch (const Intended& error) {
            if (error.whole()) ++ends.failed;  // else one end is missing, which its part tells
        }
    }
    co_return ends;
}

}  // namespace weft::soak
