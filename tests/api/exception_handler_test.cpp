// The exception handler's public face; what it does in detail is in tests/sync/exception_handler_test.cpp.
#include <doctest/doctest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/loop.hpp"
#include "sync/errors.hpp"
#include "tests/support/reports.hpp"

using weft::ExceptionContext;
using weft::Loop;
using weft::test::Reports;

namespace {
using Log = std::vector<std::string>;
}

TEST_CASE("rules 22, 25: set, get, call and forget the exception handler of a loop") {
    const Reports reports;
    Loop loop;
    Log log;
    CHECK(loop.get_exception_handler() == nullptr);
    loop.set_exception_handler([&log](Loop& where, const ExceptionContext& context) {
        log.push_back(context.message);
        if (context.message == "defer") where.default_exception_handler(context);
    });
    loop.call_exception_handler({.message = "one"});
    const auto handler = loop.get_exception_handler();
    REQUIRE(handler != nullptr);
    handler(loop, {.message = "two"});
    loop.call_exception_handler({.message = "defer"});
    CHECK(log == Log{"one", "two", "defer"});
    CHECK(reports.texts() == Log{"defer"});
    loop.set_exception_handler(nullptr);
    CHECK(loop.get_exception_handler() == nullptr);
    loop.call_exception_handler({.message = "three"});
    CHECK(reports.texts() == Log{"defer", "three"});
    CHECK(log.size() == 3);
}

TEST_CASE("rules 20, 21: a callback's exception is handled, SystemExit leaves run_forever, the rest runs later") {
    Loop loop;
    Log log;
    loop.set_exception_handler([&log](Loop&, const ExceptionContext& context) { log.push_back(context.message); });
    loop.call_soon([] { throw std::runtime_error("ordinary"); });
    loop.call_soon([] { throw weft::SystemExit(2); });
    loop.call_soon([&] { log.emplace_back("the rest"); });
    CHECK_THROWS_AS(loop.run_forever(), weft::SystemExit);
    CHECK_FALSE(loop.is_running());
    CHECK(log == Log{"Exception in callback"});
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    CHECK(log == Log{"Exception in callback", "the rest"});
}
