#include "tests/model/explorer.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "tests/model/points.hpp"

namespace weft::model {

namespace {

constexpr const char* kReplayFormat = "preemptions=%u spurious=%u steps=%u reads=%u choices=";

std::string replay_line(const Limits& limits, const Trail& trail) {
    std::array<char, 128> head{};
    std::snprintf(head.data(), head.size(), kReplayFormat, limits.preemptions, limits.spurious_failures, limits.steps,
                  static_cast<unsigned>(limits.reads));
    return head.data() + trail.text();
}

// The same execution's trail, for those who know no points.
Trail spelled_out(const Trail& trail, std::uint32_t known_from, Limits limits, const Body& body) {
    limits.spell_out = true;
    limits.visited = nullptr;
    limits.known_from = known_from;
    Replay search(trail.answers());
    search.next();
    Execution execution(limits);
    execution.run(search, body, nullptr);
    return execution.spelled_out();
}

// What is wrong with the memory that the execution left behind, if anything is.
std::string balance(const Execution& execution) {
    if (execution.blocks_left() > 0) return "memory is not freed";
    if (execution.blocks_left() < 0) return "memory is freed that was not allocated, or not counted";
    return {};
}

// The same of an execution that comes again: what is made once for all others does not count.
std::string lasting_balance(const Execution& execution, const Search& search, Limits limits, const Body& body) {
    if (execution.blocks_left() == 0) return {};
    limits.visited = nullptr;
    limits.known_from = execution.known_from();
    Replay again(search.trail().answers());
    again.next();
    Execution second(limits);
    second.run(again, body, nullptr);
    return balance(second);
}

// Whether there shall be another execution.
bool run_next(Search& search, const Limits& limits, Execution& execution, const Body& body, Report& report) {
    if (report.executions >= limits.executions) return false;
    if (!search.next()) {
        report.complete = true;
        return false;
    }
    execution.run(search, body, nullptr);
    ++report.executions;
    report.redundant += execution.redundant() ? 1 : 0;
    report.failure = execution.failure();
    if (report.failure.empty()) report.failure = lasting_balance(execution, search, limits, body);
    if (report.failure.empty()) return true;
    report.replay = replay_line(limits, spelled_out(search.trail(), execution.known_from(), limits, body));
    return false;
}

void search_all(const Limits& limits, const Body& body, Report& report) {
    Execution execution(limits);
    Limits few = limits;
    few.executions = std::min(kRandomFirst, limits.executions);
    Pct random(1, 3, 50);
    while (run_next(random, few, execution, body, report)) limits.points->learn();
    report.at_random = report.executions;
    if (!report.passed()) return;
    Visited visited;
    Limits searched = limits;
    if (limits.reduction) searched.visited = &visited;
    Execution depth_first(searched);
    for (;;) {
        DepthFirst search;
        visited.clear();
        bool anew = false;
        while (!anew && run_next(search, searched, depth_first, body, report)) anew = limits.points->learn();
        if (!anew) return;
    }
}

// Where in the source: a race of plain memory is told by its place in the program.
std::string source_of(const std::string& failure) {
    const std::size_t at = failure.find("pc 0x");
    if (at == std::string::npos) return {};
    std::array<char, 200> command{};
    std::snprintf(command.data(), command.size(), "addr2line -sCie /proc/%d/exe 0x%lx", getpid(),
                  std::stoul(failure.substr(at + 3), nullptr, 16) - 1);  // the call before
    const std::unique_ptr<FILE, int (*)(FILE*)> lines(popen(command.data(), "r"), pclose);
    std::string text;
    std::array<char, 256> line{};
    while (lines != nullptr && std::fgets(line.data(), line.size(), lines.get()) != nullptr) {
        text.append(text.empty() ? "at " : "   ").append(line.data());
    }
    return text;
}

// Runs the failed execution once more, to write down what happens in it.
Report told(Report report, const Limits& limits, const Body& body) {
    if (report.passed()) return report;
    const Report again = replay(report.replay, body, limits.sites);
    report.trace = source_of(report.failure) + again.trace;
    if (again.failure != report.failure) report.trace += "the replay went another way: " + again.failure + '\n';
    return report;
}

template <class Run>
Report timed(Run run) {
    Report report;
    const auto begin = std::chrono::steady_clock::now();
    run(report);
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report;
}

}  // namespace

std::string Report::text() const {
    std::array<char, 160> counts{};
    std::snprintf(counts.data(), counts.size(), "%llu executions%s (%llu cut short) in %.3f s, %.2f us each",
                  static_cast<unsigned long long>(executions), complete ? ", complete" : "",
                  static_cast<unsigned long long>(redundant), seconds,
                  executions == 0 ? 0 : seconds * 1e6 / static_cast<double>(executions));
    if (passed()) return counts.data();
    return "FAILED: " + failure + " after " + counts.data() + "\nreplay: " + replay + '\n' + trace;
}

Report explore(Limits limits, const Body& body) {
    Points points;
    limits.points = &points;
    return told(timed([&](Report& report) { search_all(limits, body, report); }), limits, body);
}

Report explore_random(const Random& random, Limits limits, const Body& body) {
    Points points;
    limits.points = &points;
    limits.preemptions = kUnbounded;
    limits.reduction = false;
    limits.executions = random.executions;
    const auto run = [&](Report& report) {
        Execution execution(limits);
        Pct search(random.seed, random.depth, 50);
        while (run_next(search, limits, execution, body, report)) points.learn();
    };
    return told(timed(run), limits, body);
}

Report replay(std::string_view line, const Body& body, Sites* sites) {
    Limits limits;
    limits.sites = sites;
    limits.reduction = false;
    unsigned reads = 0;
    const std::string text(line);
    const std::size_t choices = text.rfind('=') + 1;
    if (std::sscanf(text.c_str(), kReplayFormat, &limits.preemptions, &limits.spurious_failures, &limits.steps,
                    &reads) != 4)
        throw std::invalid_argument("not a replay line: " + text);
    limits.reads = static_cast<Reads>(reads);
    Replay search(Trail::parse(std::string_view(text).substr(choices)));
    search.next();
    Trace trace;
    Execution execution(limits);
    execution.run(search, body, &trace);
    Report report;
    report.executions = 1;
    report.failure = execution.failure();
    if (report.failure.empty()) report.failure = balance(execution);
    report.replay = replay_line(limits, search.trail());
    report.trace = trace.text();
    return report;
}

}  // namespace weft::model
