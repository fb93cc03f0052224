// Runs programs of generator.py on weft: a program a line on standard input, its trace and a line "." on standard
// output. With "--loops N" on N loops and in real time; then there is no trace but a line for what must never be.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/loop.hpp"
#include "api/runner.hpp"
#include "scheduler/virtual_parker.hpp"
#include "sync/gather.hpp"
#include "sync/report.hpp"
#include "tests/conformance/interpreter.hpp"

namespace {

using weft::conformance::Interpreter;
using weft::conformance::Order;
using weft::conformance::Program;
using weft::conformance::ProgramReader;

void ignore_report(const weft::ExceptionContext&) {}

std::string run(const std::string& line) {
    const Program program = ProgramReader(line).read();
    Interpreter interpreter(program, Order::serial);
    std::string end;
    {
        weft::Loop loop(std::make_unique<weft::scheduler::VirtualParker>());
        try {
            loop.run_until_complete(interpreter.drive());
        } catch (const std::exception& e) {
            end = std::string("driver fails: ") + e.what() + "\n";
        }
    }
    return interpreter.trace() + end;
}

// Programs that run at the same time.
constexpr std::size_t kWave = 64;

class FreeRuns {
public:
    explicit FreeRuns(std::istream& input) {
        for (std::string line; std::getline(input, line);) programs_.push_back(ProgramReader(line).read());
        for (const Program& program : programs_) runs_.emplace_back(program, Order::free);
    }

    weft::Coro<> run() {
        for (std::size_t first = 0; first < runs_.size(); first += kWave) {
            const std::size_t end = std::min(first + kWave, runs_.size());
            std::vector<weft::Coro<>> wave;
            for (std::size_t i = first; i < end; ++i) wave.push_back(runs_[i].drive());
            co_await weft::gather(std::move(wave));
            for (std::size_t i = first; i < end; ++i) std::cout << runs_[i].violations() << ".\n" << std::flush;
        }
        for (const weft::Loop* loop : weft::get_loops()) rescues_ += loop->rescues();
    }

    [[nodiscard]] std::uint64_t rescues() const { return rescues_; }

private:
    std::deque<Program> programs_;
    std::deque<Interpreter> runs_;
    std::uint64_t rescues_ = 0;
};

// Returns the exit code.
int run_on_many(int loops) {
    FreeRuns runs(std::cin);
    weft::run(runs.run(), {.loops = loops});
    if (runs.rescues() == 0) return 0;
    std::cerr << runs.rescues() << " wake-ups were lost\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    weft::sync::set_report_sink(&ignore_report);
    std::ios::sync_with_stdio(false);
    if (argc == 3 && std::string_view(argv[1]) == "--loops") return run_on_many(std::atoi(argv[2]));
    for (std::string line; std::getline(std::cin, line);) std::cout << run(line) << ".\n" << std::flush;
    return 0;
}
