#include "tests/model/explorer.hpp"

#include <chrono>
#include <cstdio>
#include <stdexcept>

namespace weft::model {

namespace {

constexpr const char* kReplayFormat = "preemptions=%u spurious=%u steps=%u reads=%u choices=";

std::string replay_line(const Limits& limits, const Trail& trail) {
    std::array<char, 128> head{};
    std::snprintf(head.data(), head.size(), kReplayFormat, limits.preemptions, limits.spurious_failures, limits.steps,
                  static_cast<unsigned>(limits.reads));
    return head.data() + trail.text();
}

Report search_with(Search& search, const Limits& limits, const Body& body) {
    Report report;
    Execution execution(limits);
    const auto begin = std::chrono::steady_clock::now();
    while (!(report.complete = !search.next()) && report.executions < limits.executions) {
        execution.run(search, body, nullptr);
        ++report.executions;
        report.redundant += execution.redundant() ? 1 : 0;
        if (execution.failure().empty()) continue;
        report.failure = execution.failure();
        report.replay = replay_line(limits, search.trail());
        break;
    }
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report;
}

// Runs the failed execution once more, to write down what happens in it.
Report told(Report report, const Limits& limits, const Body& body) {
    if (report.passed()) return report;
    const Report again = replay(report.replay, body, limits.orders);
    report.trace = again.trace;
    if (again.failure != report.failure) report.trace += "the replay went another way: " + again.failure + '\n';
    return report;
}

}  // namespace

std::string Report::text() const {
    std::array<char, 160> counts{};
    std::snprintf(counts.data(), counts.size(), "%llu executions%s in %.3f s, %.2f us each",
                  static_cast<unsigned long long>(executions), complete ? ", complete," : "", seconds,
                  executions == 0 ? 0 : seconds * 1e6 / static_cast<double>(executions));
    if (passed()) return counts.data();
    return "FAILED: " + failure + " after " + counts.data() + "\nreplay: " + replay + '\n' + trace;
}

Report explore(const Limits& limits, const Body& body) {
    DepthFirst search;
    return told(search_with(search, limits, body), limits, body);
}

Report explore_random(const Random& random, Limits limits, const Body& body) {
    limits.preemptions = kUnbounded;
    limits.reduction = false;
    limits.executions = random.executions;
    Pct search(random.seed, random.depth, 50);
    return told(search_with(search, limits, body), limits, body);
}

Report replay(std::string_view line, const Body& body, Orders* orders) {
    Limits limits;
    limits.orders = orders;
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
    report.replay = replay_line(limits, search.trail());
    report.trace = trace.text();
    return report;
}

}  // namespace weft::model
