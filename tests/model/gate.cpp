#include "tests/model/gate.hpp"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <system_error>

#include "tests/model/models.hpp"

namespace weft::model {

namespace {

using Clock = std::chrono::steady_clock;

// One mutant in one model, in a process of its own, which tells its parent the failure through a pipe, or nothing. What
// models that passed leave behind in a process (pools, numbers) could hide a failure from those after them.
class Child {
public:
    Child(const Gate& gate, const Mutation& mutation, const Model& model) {
        std::array<int, 2> ends{};
        if (pipe(ends.data()) != 0) throw std::system_error(errno, std::generic_category(), "gate: pipe");
        pid_ = fork();
        if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "gate: fork");
        if (pid_ == 0) {
            close(ends[0]);
            run(gate, mutation, model, ends[1]);
        }
        close(ends[1]);
        told_ = ends[0];
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    // After it has ended with this status: how the model failed, or nothing if it passed.
    [[nodiscard]] std::string failure(int status) const {
        std::string text;
        std::array<char, 512> part{};
        for (ssize_t size = 0; (size = read(told_, part.data(), part.size())) > 0;)
            text.append(part.data(), static_cast<std::size_t>(size));
        close(told_);
        if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGVTALRM ? "does not end" : ::strsignal(WTERMSIG(status));
        if (WEXITSTATUS(status) != 0 && text.empty()) return "exit(" + std::to_string(WEXITSTATUS(status)) + ')';
        const auto unprintable = [](unsigned char c) { return c < ' ' || c > '~'; };  // what() of what is destroyed
        std::replace_if(text.begin(), text.end(), unprintable, '?');
        return text;
    }

private:
    [[noreturn]] static void run(const Gate& gate, const Mutation& mutation, const Model& model, int told) {
        const itimerval limit{{0, 0}, {gate.seconds, 0}};  // of its own time: the machine may be busy
        setitimer(ITIMER_VIRTUAL, &limit, nullptr);
        const rlimit room{gate.memory, gate.memory};
        setrlimit(RLIMIT_DATA, &room);
        Sites sites(mutation);
        Limits limits = model.about.limits;
        limits.executions = std::min(limits.executions, gate.executions);
        limits.sites = &sites;
        const Report report = model.run(limits);
        if (report.passed()) _exit(0);
        (void)!write(told, report.failure.data(), report.failure.size());
        _exit(1);
    }

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
            mutants.push_back({mutation, its, 0, {}, 0});
        }
    }
    return mutants;
}

}  // namespace

std::vector<Mutant> run_gate(const Gate& gate) {
    std::vector<Mutant> mutants = all_mutants(gate);
    struct Trial {
        std::size_t mutant;
        Child child;
        Clock::time_point begun;
    };
    std::map<pid_t, Trial> running;
    const auto try_next_model = [&](std::size_t number) {
        const Mutant& mutant = mutants[number];
        const Child child(gate, mutant.mutation, models()[mutant.meet[mutant.passed]]);
        running.emplace(child.pid(), Trial{number, child, Clock::now()});
    };
    std::size_t next = 0;
    std::size_t done = 0;
    while (done < mutants.size()) {
        while (running.size() < gate.jobs && next < mutants.size()) try_next_model(next++);
        int status = 0;
        const auto ended = running.find(wait(&status));
        if (ended == running.end()) continue;
        const auto [number, child, begun] = ended->second;
        running.erase(ended);
        Mutant& mutant = mutants[number];
        mutant.seconds += std::chrono::duration<double>(Clock::now() - begun).count();
        mutant.how = child.failure(status);
        if (!mutant.killed() && ++mutant.passed < mutant.meet.size()) {
            try_next_model(number);
            continue;
        }
        ++done;
        std::fprintf(stderr, "%4zu/%zu %-9s %6.2f s  %-40s %-32s %s\n", done, mutants.size(),
                     mutant.killed() ? "killed" : "SURVIVED", mutant.seconds, mutant.mutation.site.place().c_str(),
                     mutant.mutation.text().c_str(), mutant.how.c_str());
    }
    return mutants;
}

}  // namespace weft::model
