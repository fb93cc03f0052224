// Gate: a score for the source: each access to an atomic that the models meet is spoiled in each way that there is, one
// at a time, and the models that meet it run until one fails: killed. One that no model notices survived.
//
// Every mutant runs in a process of its own, because what is spoiled may crash or never end: that, too, is noticed.
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
    std::string killed_by;  // empty: it survived
    std::string how;  // the failure
    double seconds = 0;
};

struct Gate {
    std::vector<std::string_view> folders = {"scheduler/", "sync/"};
    std::string_view only;  // places and texts that contain it
    unsigned jobs = 2;
    std::uint64_t executions = 200'000;  // of each model, for each mutant
    std::uint32_t seconds = 60;  // of processor time, for each model; then it counts as one that never ends
};

// Runs it, tells the progress on stderr, and returns all mutants.
std::vector<Mutant> run_gate(const Gate& gate);

}  // namespace weft::model
