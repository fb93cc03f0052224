// Models: the programs that the explorer runs: each a few threads that use one protocol of the tree against each other.
// They are listed once, and used by the tests (within their limits), by `prove` (deeper) and by the mutation gate.
//
//     void complete_and_cancel() { ... together({...}); require(...); }
//
//     WEFT_MODEL("future: complete, cancel", complete_and_cancel, {.type = "FutureState",
//                                                                  .threads = {"complete", "cancel"}});
#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string_view>
#include <vector>

#include "tests/model/explorer.hpp"

namespace weft::model {

// What a model is about, for the table of races: each verb of one thread meets those of all others.
struct About {
    std::string_view type;
    std::vector<std::string_view> threads;  // the verbs of each: "push, pop"
    Limits limits{};
    std::optional<Random> random{};  // for those that are too large to be searched
};

struct Model {
    std::string_view name;
    void (*body)();
    About about;

    [[nodiscard]] Report run(const Limits& limits) const {
        return about.random ? explore_random(*about.random, limits, body) : explore(limits, body);
    }
};

// All of the program, in the order of their files.
std::vector<Model>& models();

struct Registered {
    explicit Registered(Model model) { models().push_back(std::move(model)); }
};

// Fails the test unless the model passes within its limits; prints the counts.
void check(std::string_view name);

}  // namespace weft::model

#define WEFT_MODEL(name, body, ...)                                        \
    static const ::weft::model::Registered DOCTEST_ANONYMOUS(weft_model_)( \
        {name, body, ::weft::model::About __VA_ARGS__});                   \
    TEST_CASE(name) { ::weft::model::check(name); }                        \
    static_assert(true)
