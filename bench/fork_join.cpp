// fork_join: weft's branches and tasks beside oneTBB's task_group and plain sequential code.
//
// The problems are in bench/problems/, one file each; how they are timed is in bench/measure.hpp. Exit codes: 0 all
// measured and right, 1 a wrong result or a failure, 2 a command line that makes no sense.

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/machine.hpp"
#include "bench/measure.hpp"
#include "bench/options.hpp"
#include "bench/problem.hpp"
#include "bench/problems/fib.hpp"
#include "bench/problems/matmul.hpp"
#include "bench/problems/nqueens.hpp"
#include "bench/problems/skynet.hpp"
#include "bench/problems/spawn_join.hpp"
#include "bench/row.hpp"

namespace {

std::unique_ptr<bench::Problem> make_problem(const std::string& name, bool quick) {
    if (name == "fib") return std::make_unique<bench::Fib>(quick);
    if (name == "skynet") return std::make_unique<bench::Skynet>(quick);
    if (name == "nqueens") return std::make_unique<bench::Nqueens>(quick);
    if (name == "matmul") return std::make_unique<bench::Matmul>(quick);
    if (name == "spawn_join") return std::make_unique<bench::SpawnJoin>(quick);
    throw std::invalid_argument("no such problem: " + name);
}

// At each number of loops the frameworks to be compared follow each other directly.
std::vector<bench::Contender> make_contenders(const bench::Options& options) {
    std::vector<bench::Contender> contenders;
    for (const std::size_t loops : options.loops) {
        for (const std::string& name : options.frameworks) {
            if (name == "onetbb") contenders.push_back({bench::Framework::onetbb, loops});
            if (name == "weft") contenders.push_back({bench::Framework::weft, loops});
            if (name == "sequential" && loops == options.loops.front()) {
                contenders.push_back({bench::Framework::sequential, 1});
            }
        }
    }
    return contenders;
}

// On a terminal one line that is overwritten, elsewhere a line per problem: a log must not fill with rounds.
class Progress {
public:
    explicit Progress(std::size_t rounds) : rounds_(rounds) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { clear(); }

    void begin(const bench::Problem& problem) {
        problem_ = problem.name();
        if (!terminal_) std::fprintf(stderr, "measuring %s\n", problem_.c_str());
    }

    void pass(const bench::Contender& contender, std::size_t round) {
        if (!terminal_) return;
        const std::string framework(to_string(contender.framework));
        std::fprintf(stderr, "\r\033[Kmeasuring %s: round %zu of %zu, %s with %zu loops", problem_.c_str(), round,
                     rounds_, framework.c_str(), contender.loops);
    }

    void clear() {
        if (terminal_) std::fputs("\r\033[K", stderr);
    }

private:
    std::size_t rounds_;
    bool terminal_ = isatty(STDERR_FILENO) == 1;
    std::string problem_;
};

// Opened before anything is measured: a file that cannot be written must not cost the user minutes.
class JsonFile {
public:
    explicit JsonFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "w")) {
        if (file_ == nullptr) fail(std::strerror(errno));
    }
    JsonFile(const JsonFile&) = delete;
    JsonFile& operator=(const JsonFile&) = delete;
    ~JsonFile() {
        if (file_ != nullptr) std::fclose(file_);
    }

    void write(const std::vector<bench::Row>& rows) {
        std::fputs("{\"rows\": [", file_);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::fprintf(file_, "%s\n  %s", i == 0 ? "" : ",", to_json(rows[i]).c_str());
        }
        std::fprintf(file_, "\n], \"machine\": %s}\n", bench::machine_json().c_str());
        if (std::fflush(file_) != 0) fail(std::strerror(errno));
    }

private:
    [[noreturn]] void fail(const char* reason) { throw std::runtime_error("--json " + path_ + ": " + reason); }

    std::string path_;
    std::FILE* file_;
};

void measure_all(const bench::Options& options) {
    std::optional<JsonFile> json;
    if (!options.json.empty() && options.json != "-") json.emplace(options.json);

    std::vector<bench::Row> rows;
    {
        Progress progress(options.rounds);
        for (const std::string& name : options.problems) {
            const std::unique_ptr<bench::Problem> problem = make_problem(name, options.quick);
            progress.begin(*problem);
            const std::vector<bench::Row> measured = bench::measure(
                *problem, make_contenders(options), options.rounds,
                [&](const bench::Contender& contender, std::size_t round) { progress.pass(contender, round); });
            rows.insert(rows.end(), measured.begin(), measured.end());
        }
    }
    if (options.json == "-") {
        for (const bench::Row& row : rows) std::puts(to_json(row).c_str());
        return;
    }
    if (json) json->write(rows);
    bench::print_table(stdout, rows);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const bench::Options options = bench::parse(std::vector<std::string>(argv + 1, argv + argc));
        if (options.help) {
            std::fputs(bench::kUsage.data(), stdout);
            return 0;
        }
        measure_all(options);
        return 0;
    } catch (const bench::UsageError& error) {
        std::fprintf(stderr, "fork_join: %s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fork_join: %s\n", error.what());
        return 1;
    }
}
