#include "sync/exception_group.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sync/errors.hpp"

using weft::CancelledError;
using weft::ExceptionGroup;

namespace {

using Pointers = std::vector<std::exception_ptr>;

template <class E>
std::exception_ptr make(E exception) {
    return std::make_exception_ptr(std::move(exception));
}

std::string type_and_text(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const ExceptionGroup& group) {
        std::string text = group.message() + "(";
        for (const auto& member : group.exceptions()) text += type_and_text(member);
        return text + ")";
    } catch (const std::out_of_range& error) {
        return std::string("O:") + error.what() + ";";
    } catch (const std::runtime_error& error) {
        return std::string("R:") + error.what() + ";";
    } catch (const CancelledError&) {
        return "C;";
    } catch (const int& number) {
        return std::to_string(number) + ";";
    }
}

std::string text_of(const ExceptionGroup& group) { return type_and_text(make(group)); }

ExceptionGroup sample() {
    const ExceptionGroup inner("inner", {make(std::out_of_range("x")), make(std::runtime_error("y"))});
    return {"outer", {make(std::runtime_error("a")), make(inner), make(std::out_of_range("b"))}};
}

}  // namespace

static_assert(std::is_nothrow_copy_constructible_v<ExceptionGroup>);
static_assert(std::derived_from<ExceptionGroup, std::exception>);

TEST_CASE("exception_group: message and exceptions are kept, the very objects") {
    const auto a = make(std::runtime_error("a"));
    const auto b = make(42);
    const ExceptionGroup group("several", {a, b, a});
    CHECK(group.message() == "several");
    CHECK(group.exceptions() == Pointers{a, b, a});
    const ExceptionGroup copy(group);
    CHECK(copy.exceptions() == group.exceptions());
    CHECK(&copy.exceptions() == &group.exceptions());  // shared: copying cannot throw
}

TEST_CASE("exception_group: nothing, or null, is refused") {
    CHECK_THROWS_AS(ExceptionGroup("none", {}), std::invalid_argument);
    CHECK_THROWS_AS(ExceptionGroup("null", {make(1), nullptr}), std::invalid_argument);
}

TEST_CASE("exception_group: what() prints the tree") {
    const ExceptionGroup inner("inner", {make(std::out_of_range("two\nlines")), make(CancelledError("gone"))});
    const ExceptionGroup group("outer",
                               {make(std::runtime_error("a")), make(inner), make(weft::SystemExit(3)), make(1)});
    CHECK(std::string(group.what()) ==
          "outer (4 sub-exceptions)\n"
          "  - std::runtime_error: a\n"
          "  - weft::ExceptionGroup: inner (2 sub-exceptions)\n"
          "      - std::out_of_range: two\n"
          "        lines\n"
          "      - CancelledError: gone\n"
          "  - SystemExit: 3\n"
          "  - an exception that is no std::exception");
    CHECK(std::string(ExceptionGroup("one", {make(std::runtime_error("a"))}).what()) ==
          "one (1 sub-exception)\n  - std::runtime_error: a");
}

TEST_CASE("exception_group: it can be caught as std::exception and as itself") {
    std::string caught;
    try {
        throw sample();
    } catch (const std::exception& error) {
        caught = error.what();
    }
    CHECK(caught.starts_with("outer (3 sub-exceptions)"));
}

TEST_CASE("exception_group: split keeps the nesting, the order and the messages") {
    const ExceptionGroup group = sample();
    const auto [runtime, rest] = group.split<std::runtime_error>();
    REQUIRE(runtime.has_value());
    REQUIRE(rest.has_value());
    CHECK(text_of(*runtime) == "outer(R:a;inner(R:y;))");
    CHECK(text_of(*rest) == "outer(inner(O:x;)O:b;)");
    CHECK(text_of(group) == "outer(R:a;inner(O:x;R:y;)O:b;)");  // untouched
    CHECK(runtime->exceptions().front() == group.exceptions().front());
}

TEST_CASE("exception_group: split by a base class, by what all or none are, by types outside std") {
    const ExceptionGroup group = sample();
    const auto [all, none] = group.split<std::exception>();
    REQUIRE(all.has_value());
    CHECK(text_of(*all) == text_of(group));
    CHECK_FALSE(none.has_value());
    const auto [no_int, everything] = group.split<int>();
    CHECK_FALSE(no_int.has_value());
    REQUIRE(everything.has_value());
    CHECK(text_of(*everything) == text_of(group));
    const ExceptionGroup odd("odd", {make(7), make(CancelledError())});
    const auto [numbers, others] = odd.split<int>();
    CHECK(text_of(*numbers) == "odd(7;)");
    CHECK(text_of(*others) == "odd(C;)");
}

TEST_CASE("exception_group: split by ExceptionGroup gives the whole, as Python's does") {
    const ExceptionGroup group = sample();
    const auto [groups, others] = group.split<ExceptionGroup>();
    REQUIRE(groups.has_value());
    CHECK(text_of(*groups) == text_of(group));
    CHECK_FALSE(others.has_value());
}

TEST_CASE("exception_group: subgroup is the first half of split") {
    const ExceptionGroup group = sample();
    const auto found = group.subgroup<std::out_of_range>();
    REQUIRE(found.has_value());
    CHECK(text_of(*found) == "outer(inner(O:x;)O:b;)");
    CHECK_FALSE(group.subgroup<CancelledError>().has_value());
}

TEST_CASE("exception_group: deeply nested") {
    ExceptionGroup group("0", {make(std::runtime_error("leaf"))});
    for (int depth = 1; depth <= 50; ++depth) group = ExceptionGroup(std::to_string(depth), {make(group)});
    const auto found = group.subgroup<std::runtime_error>();
    REQUIRE(found.has_value());
    CHECK(text_of(*found) == text_of(group));
    CHECK_FALSE(group.subgroup<std::out_of_range>().has_value());
    CHECK(std::string(group.what()).find("std::runtime_error: leaf") != std::string::npos);
}
