#include "tests/model/gate.hpp"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "tests/model/models.hpp"

namespace weft::model {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// What one child process tells its parent, as text through a pipe: the model's number, a space, the failure; or nothing.
class Child {
public:
    Child(const Gate& gate, const Mutant& mutant) {
        std::array<int, 2> ends{};
        if (pipe(ends.data()) != 0) std::abort();
        pid_ = fork();
        if (pid_ < 0) std::abort();
        if (pid_ == 0) {
            close(ends[0]);
            try_models(gate, mutant, ends[1]);
        }
        close(ends[1]);
        told_ = ends[0];
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    // After it has ended with this status.
    void read_into(Mutant& mutant, int status) const {
        std::string text;
        std::array<char, 512> part{};
        for (ssize_t size = 0; (size = read(told_, part.data(), part.size())) > 0;)
            text.append(part.data(), static_cast<std::size_t>(size));
        close(told_);
        mutant.seconds = seconds_since(begun_);
        const std::size_t space = text.rfind('\t');
        if (space != std::string::npos) {
            const std::size_t line = text.rfind('\n', space);
            const std::size_t first = line == std::string::npos ? 0 : line + 1;
            mutant.killed_by = text.substr(first, space - first);
            mutant.how = text.substr(space + 1);
        }
        if (WIFSIGNALED(status)) {
            mutant.how = WTERMSIG(status) == SIGVTALRM ? "does not end" : ::strsignal(WTERMSIG(status));
            mutant.killed_by = text.substr(text.rfind('\n') + 1);
        } else if (WEXITSTATUS(status) == 0) {
            mutant.killed_by.clear();
        }
    }

private:
    [[noreturn]] static void try_models(const Gate& gate, const Mutant& mutant, int told) {
        const auto tell = [told](std::string_view text) { (void)!write(told, text.data(), text.size()); };
        for (const std::size_t number : mutant.meet) {
            const Model& model = models()[number];
            const itimerval limit{{0, 0}, {gate.seconds, 0}};  // of its own time: the machine may be busy
            setitimer(ITIMER_VIRTUAL, &limit, nullptr);
            tell("\n");
            tell(model.name);
            Sites sites(mutant.mutation);
            Limits limits = model.about.limits;
            limits.executions = std::min(limits.executions, gate.executions);
            limits.sites = &sites;
            const Report report = model.run(limits);
            if (report.passed()) continue;
            tell("\t");
            tell(report.failure);
            _exit(1);
        }
        _exit(0);
    }

    const Clock::time_point begun_ = Clock::now();
    pid_t pid_ = 0;
    int told_ = -1;
};

// Which sites each model meets, and how long it takes.
std::vector<Mutant> all_mutants(const Gate& gate) {
    std::vector<Mutant> mutants;
    std::vector<double> cost;
    std::map<std::string, std::vector<std::size_t>> meet;
    std::vector<Site> sites;
    for (std::size_t number = 0; number < models().size(); ++number) {
        const Model& model = models()[number];
        Sites watched;
        Limits limits = model.about.limits;
        limits.sites = &watched;
        limits.executions = std::min<std::uint64_t>(limits.executions, 20'000);  // enough to come by everywhere
        const Report report = model.run(limits);
        if (!report.passed()) {
            std::fprintf(stderr, "%s\nthe model fails as it is\n", report.text().c_str());
            std::exit(1);
        }
        cost.push_back(report.complete ? report.seconds : 1e3 + report.seconds);
        for (const Site& site : watched.met()) {
            const std::string_view file = site.where.file_name();
            const auto wanted = [&](std::string_view folder) {
                return file.starts_with(folder) || file.find('/' + std::string(folder)) != std::string_view::npos;
            };
            if (file.find("tests/") != std::string_view::npos) continue;
            if (std::none_of(gate.folders.begin(), gate.folders.end(), wanted)) continue;
            auto& its = meet[site.place() + site.text()];
            if (its.empty()) {
                sites.push_back(site);
            } else {
                const auto same = [&](const Site& other) { return other.is(site.where, site.of); };
                Site& known = *std::find_if(sites.begin(), sites.end(), same);
                known.guess |= site.guess;
                known.changes |= site.changes;
            }
            its.push_back(number);
        }
    }
    for (const Site& site : sites) {
        auto its = meet[site.place() + site.text()];
        std::sort(its.begin(), its.end(), [&](std::size_t a, std::size_t b) { return cost[a] < cost[b]; });
        for (const Mutation& mutation : mutations_of(site)) {
            if ((site.place() + ' ' + mutation.text()).find(gate.only) == std::string::npos) continue;
            mutants.push_back({mutation, its, {}, {}, 0});
        }
    }
    return mutants;
}

}  // namespace

std::vector<Mutant> run_gate(const Gate& gate) {
    std::vector<Mutant> mutants = all_mutants(gate);
    std::map<pid_t, std::pair<std::size_t, Child>> running;
    std::size_t next = 0;
    std::size_t done = 0;
    while (done < mutants.size()) {
        while (running.size() < gate.jobs && next < mutants.size()) {
            const Child child(gate, mutants[next]);
            running.emplace(child.pid(), std::pair(next, child));
            ++next;
        }
        int status = 0;
        const pid_t ended = wait(&status);
        const auto child = running.find(ended);
        if (child == running.end()) continue;
        auto& [number, process] = child->second;
        Mutant& mutant = mutants[number];
        process.read_into(mutant, status);
        running.erase(child);
        ++done;
        std::fprintf(stderr, "%4zu/%zu %-9s %6.2f s  %-40s %-32s %s\n", done, mutants.size(),
                     mutant.how.empty() ? "SURVIVED" : "killed", mutant.seconds, mutant.mutation.site.place().c_str(),
                     mutant.mutation.text().c_str(), mutant.how.c_str());
    }
    return mutants;
}

}  // namespace weft::model
