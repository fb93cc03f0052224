// Gate: a score for the source: each access to an atomic that the models meet is spoiled in each way that there is, one
// at a time, and the models that meet it run until one fails: killed. One that no model notices survived.
//
// Every trial, of one mutant in one model, runs in a process of its own: what is spoiled may crash or never end, which is
// noticed, too, and no verdict depends on which models ran before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/sites.hpp"

namespace weft::model {

struct Mutant {
    Mutation mutation;
    std::vector<std::size_t> meet;  // the models that meet its site, the quickest first
    std::size_t passed = 0;  // so many of these have passed
    std::string how;  // the failure of the next; empty: all have passed, it survived
    double seconds = 0;

    [[nodiscard]] bool killed() const { return !how.empty(); }
};

struct Gate {
    std::vector<std::string_view> folders = {"scheduler/", "sync/"};
    std::string_view only;  // places and texts that contain it
    unsigned jobs = 2;
    std::uint64_t executions = 200'000;  // of each model, for each mutant
    std::uint32_t seconds = 60;  // of processor time, for each model; then it counts as one that never ends
    std::uint64_t memory = std::uint64_t{4} << 30U;  // bytes, for each trial: what takes more fails alone
};

// Runs it, tells the progress on stderr, and returns all mutants.
std::vector<Mutant> run_gate(const Gate& gate);

}  // namespace weft::model
