// The reduction: what it cuts has another execution of the same partial order, whatever the limit of preemptions. Shown
// by programs made at random, whose outcomes are the same with it and without it.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <vector>

#include "tests/model/atomic.hpp"
#include "tests/model/explorer.hpp"
#include "tests/model/mutex.hpp"

using weft::model::Atomic;
using weft::model::Execution;
using weft::model::explore;
using weft::model::kRandomFirst;
using weft::model::Limits;
using weft::model::Mutex;
using weft::model::Report;
using weft::model::together;

namespace {

constexpr std::array kOrders = {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
                                std::memory_order_acq_rel, std::memory_order_seq_cst};

struct Action {
    enum class Verb : std::uint8_t { load, store, add, swap, lock } verb;
    std::uint8_t place;
    std::memory_order order;
    std::uint8_t value;
};
using Program = std::vector<std::vector<Action>>;  // of each thread

// What each thread has read, and what is left.
using Outcome = std::vector<std::uint64_t>;

Program make_program(std::mt19937& random) {
    const auto below = [&](unsigned n) { return random() % n; };
    const std::size_t threads = 2 + below(2);
    Program program(threads);
    std::uint8_t value = 0;
    for (auto& thread : program) {
        const std::size_t actions = threads == 2 ? 2 + below(3) : 1 + below(3);
        for (std::size_t i = 0; i < actions; ++i) {
            const auto verb = static_cast<Action::Verb>(below(5));
            auto order = kOrders[below(kOrders.size())];
            if (verb == Action::Verb::load && order != std::memory_order_seq_cst) order = kOrders[below(2)];
            if (verb == Action::Verb::store && order != std::memory_order_seq_cst) order = kOrders[2 * below(2)];
            thread.push_back({verb, static_cast<std::uint8_t>(below(2)), order, ++value});
        }
    }
    return program;
}

struct State {
    std::array<Atomic<std::uint64_t>, 2> places;
    Mutex mutex;
    std::uint64_t guarded = 0;
};

std::uint64_t act(const Action& action, State& state) {
    Atomic<std::uint64_t>& place = state.places[action.place];
    switch (action.verb) {
        case Action::Verb::load: return place.load(action.order);
        case Action::Verb::store: place.store(action.value, action.order); return 0;
        case Action::Verb::add: return place.fetch_add(action.value, action.order);
        case Action::Verb::swap: {
            std::uint64_t expected = 0;
            place.compare_exchange_strong(expected, action.value, action.order);
            return expected;
        }
        case Action::Verb::lock: {
            state.mutex.lock();
            state.guarded = 3 * state.guarded + action.value;
            const std::uint64_t seen = place.load(std::memory_order_relaxed);
            state.mutex.unlock();
            return seen;
        }
    }
    return 0;
}

std::set<Outcome> outcomes(const Program& program, const Limits& limits, Report& report) {
    std::set<Outcome> found;
    std::uint64_t executions = 0;
    report = explore(limits, [&] {
        State state;
        std::vector<Outcome> read(program.size());
        std::vector<std::function<void()>> threads;
        for (std::size_t i = 0; i < program.size(); ++i) {
            threads.emplace_back([&, i] {
                for (const Action& action : program[i]) read[i].push_back(act(action, state));
            });
        }
        together(threads);
        Outcome all;
        for (const Outcome& one : read) all.insert(all.end(), one.begin(), one.end());
        for (const auto& place : state.places) all.push_back(place.load(std::memory_order_relaxed));
        all.push_back(state.guarded);
        // What the random executions and those that were cut short come to does not count.
        if (++executions > kRandomFirst && !Execution::current().redundant()) found.insert(all);
    });
    return found;
}

}  // namespace

TEST_CASE("reduction: no outcome is lost, at any limit of preemptions") {
    std::mt19937 random(2026);
    std::uint64_t with = 0;
    std::uint64_t without = 0;
    for (int i = 0; i < 300; ++i) {
        const Program program = make_program(random);
        for (const std::uint32_t preemptions : {1U, 2U, 3U}) {
            Report reduced;
            Report whole;
            const auto some = outcomes(program, {.preemptions = preemptions}, reduced);
            const auto all = outcomes(program, {.preemptions = preemptions, .reduction = false}, whole);
            REQUIRE_MESSAGE(reduced.passed(), reduced.text());
            REQUIRE(reduced.complete);
            CHECK(some == all);
            with += reduced.executions - reduced.at_random - reduced.redundant;
            without += whole.executions - whole.at_random;
        }
    }
    CHECK(with < without);
}
