// The models' program: doctest's, unless the first argument is a verb.
//
//     weft_models                       the tests: the explorer's own and every model within its limits
//     weft_models prove [TEXT]          the models whose name contains TEXT, one preemption deeper, or with old messages
//     weft_models mutate [TEXT]         the mutation gate; only mutants whose place or text contains TEXT
//     weft_models replay NAME LINE      one execution of a model: LINE is what a failure printed behind "replay: "
//     weft_models list                  the models: type, threads and their verbs, limits, as lines with tabs
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "tests/model/gate.hpp"
#include "tests/model/models.hpp"

namespace {

using weft::model::Gate;
using weft::model::Limits;
using weft::model::Model;
using weft::model::models;
using weft::model::Mutant;
using weft::model::Reads;
using weft::model::Report;

// Where the tests look at interleavings alone: with old messages, which do not end within the limit of executions.
Limits deeper(Limits limits) {
    if (limits.reads == Reads::newest) {
        limits.reads = Reads::any_allowed;
        return limits;
    }
    ++limits.preemptions;
    ++limits.spurious_failures;
    limits.executions *= 10;
    return limits;
}

int prove(std::string_view text) {
    int failed = 0;
    for (const Model& model : models()) {
        if (model.name.find(text) == std::string_view::npos) continue;
        const Limits limits = deeper(model.about.limits);
        const Report report = model.run(limits);
        std::printf("%-56.*s %s\n", static_cast<int>(model.name.size()), model.name.data(), report.text().c_str());
        std::fflush(stdout);
        failed += report.passed() ? 0 : 1;
    }
    return failed == 0 ? 0 : 1;
}

// One line for each mutant, with tabs: place, what was spoiled, killed or survived, by which model, how.
int mutate(std::string_view text) {
    Gate gate;
    gate.only = text;
    gate.jobs = std::max(1U, std::thread::hardware_concurrency());
    std::size_t survived = 0;
    for (const Mutant& mutant : run_gate(gate)) {
        survived += mutant.killed() ? 0 : 1;
        const std::string_view by = mutant.killed() ? models()[mutant.meet[mutant.passed]].name : "";
        std::printf("%s\t%s\t%s\t%.*s\t%s\n", mutant.mutation.site.place().c_str(), mutant.mutation.text().c_str(),
                    mutant.killed() ? "killed" : "survived", static_cast<int>(by.size()), by.data(),
                    mutant.how.c_str());
    }
    return survived == 0 ? 0 : 1;
}

int replay(std::string_view name, std::string_view line) {
    const auto called = [&](const Model& model) { return model.name == name; };
    const auto model = std::find_if(models().begin(), models().end(), called);
    if (model == models().end()) {
        std::fprintf(stderr, "no model is called '%.*s', expected one of weft_models list\n",
                     static_cast<int>(name.size()), name.data());
        return 2;
    }
    try {
        const Report report = weft::model::replay(line, model->body);
        std::printf("%s%s\n", report.trace.c_str(), report.passed() ? "it passes" : report.failure.c_str());
        return report.passed() ? 0 : 1;
    } catch (const std::invalid_argument& e) {
        std::fprintf(stderr, "%s, expected what stands behind 'replay: ' in a failure\n", e.what());
        return 2;
    }
}

int list() {
    for (const Model& model : models()) {
        std::printf("%.*s\t%.*s\t", static_cast<int>(model.about.type.size()), model.about.type.data(),
                    static_cast<int>(model.name.size()), model.name.data());
        for (std::size_t i = 0; i < model.about.threads.size(); ++i) {
            const std::string_view verbs = model.about.threads[i];
            std::printf("%s%.*s", i == 0 ? "" : " | ", static_cast<int>(verbs.size()), verbs.data());
        }
        if (model.about.random) {
            std::printf("\trandom\n");
        } else if (model.about.limits.preemptions == weft::model::kUnbounded) {
            std::printf("\tall\n");
        } else {
            const bool old_reads = model.about.limits.reads == weft::model::Reads::any_allowed;
            std::printf("\t%u%s\n", model.about.limits.preemptions, old_reads ? "" : ", interleavings");
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::thread([] {}).join();  // from then on shared_ptr counts by atomics, which are told
    try {
        throw 0;
    } catch (int) {  // what is made at the first of all catches is made before an execution
    }
    const std::string_view verb = argc > 1 ? argv[1] : "";
    const std::string_view text = argc > 2 ? argv[2] : "";
    if (verb == "prove") return prove(text);
    if (verb == "mutate") return mutate(text);
    if (verb == "list") return list();
    if (verb == "replay") return replay(text, argc > 3 ? argv[3] : "");
    return doctest::Context(argc, argv).run();
}
