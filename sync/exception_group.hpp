// ExceptionGroup: several failures at once, as a TaskGroup throws them. Groups nest; what() prints the tree.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft {

class ExceptionGroup : public std::exception {
public:
    // Throws std::invalid_argument if there are no exceptions, or one is null.
    ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);

    [[nodiscard]] const std::string& message() const noexcept { return content_->message; }
    [[nodiscard]] const std::vector<std::exception_ptr>& exceptions() const noexcept { return content_->exceptions; }
    // The tree: the group's message, and below it, indented, one line for each exception.
    [[nodiscard]] const char* what() const noexcept override { return content_->tree.c_str(); }

    // Returns the group of those that are an E (at any depth, in the same nesting), and that of the others: a
    // std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>>, which costs only those who call it.
    template <class E>
    [[nodiscard]] auto split() const {
        return split_by(std::is_same_v<E, ExceptionGroup> ? nullptr : &is<E>);
    }
    // Returns the first of the two.
    template <class E>
    [[nodiscard]] auto subgroup() const {
        return split<E>().first;
    }

private:
    struct Content {
        std::string message;
        std::vector<std::exception_ptr> exceptions;
        std::string tree;
    };
    using Predicate = bool (*)(const std::exception_ptr& exception);

    template <class E>
    static bool is(const std::exception_ptr& exception) {
        try {
            std::rethrow_exception(exception);
        } catch (const E&) {
            return true;
        } catch (...) {
            return false;
        }
    }
    // Null is true of any group.
    [[nodiscard]] std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> split_by(
        Predicate predicate) const;

    // Copying an exception must not throw.
    std::shared_ptr<const Content> content_;
};

}  // namespace weft
