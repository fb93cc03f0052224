// Runs programs of generator.py on weft: a program a line on standard input, its trace and a line "." on standard output.
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include "api/loop.hpp"
#include "scheduler/virtual_parker.hpp"
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

}  // namespace

int main() {
    weft::sync::set_report_sink(&ignore_report);
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);) std::cout << run(line) << ".\n" << std::flush;
    return 0;
}
