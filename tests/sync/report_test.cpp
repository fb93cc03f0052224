#include "sync/report.hpp"

#include <doctest/doctest.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "sync/errors.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/virtual_loop.hpp"

using weft::CancelledError;
using weft::sync::describe;
using weft::sync::report;
using weft::test::Reports;
using weft::test::VirtualLoop;

TEST_CASE("report: an exception in words") {
    CHECK(describe(std::make_exception_ptr(std::runtime_error("boom"))) == "std::runtime_error: boom");
    CHECK(describe(std::make_exception_ptr(weft::InvalidStateError("no"))) == "weft::InvalidStateError: no");
    CHECK(describe(std::make_exception_ptr(weft::TimeoutError())) == "weft::TimeoutError: timed out");
    CHECK(describe(std::make_exception_ptr(CancelledError("why"))) == "CancelledError: why");
    CHECK(describe(std::make_exception_ptr(42)) == "an exception that is no std::exception");
    CHECK(describe(nullptr) == "no exception");
}

TEST_CASE("report: the sink hears message and exception, while it is set") {
    {
        const Reports reports;
        report("something", std::make_exception_ptr(std::logic_error("odd")));
        report("nothing", nullptr);
        CHECK(reports.all() == std::vector<std::string>{"something | std::logic_error: odd", "nothing | no exception"});
    }
    const Reports later;
    CHECK(later.all().empty());
}

TEST_CASE("report: a sink that throws harms nobody") {
    weft::sync::set_report_sink([](const weft::ExceptionContext&) { throw std::runtime_error("sink"); });
    CHECK_NOTHROW(report("into the void", nullptr));
    weft::sync::set_report_sink(nullptr);
}

TEST_CASE("report: rule 20: an exception from a callback is reported and the batch goes on") {
    const Reports reports;
    VirtualLoop loop;
    bool next_ran = false;
    loop.call_soon([] { throw std::runtime_error("from a callback"); });
    loop.call_soon([] { throw CancelledError("from a callback"); });
    loop.call_soon([&] { next_ran = true; });
    loop.turn();
    CHECK(next_ran);
    CHECK(reports.count("Exception in callback | std::runtime_error: from a callback") == 1);
    CHECK(reports.count("Exception in callback | CancelledError: from a callback") == 1);
}
