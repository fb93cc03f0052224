#include "sync/exception_group.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "sync/report.hpp"

namespace weft {

namespace {

// A member's own lines, with all but the first indented below it.
void append_indented(std::string& tree, std::string_view lines) {
    tree += "\n  - ";
    for (const char c : lines) {
        tree += c;
        if (c == '\n') tree += "    ";
    }
}

std::string counted(const std::string& message, std::size_t count) {
    return message + " (" + std::to_string(count) + (count == 1 ? " sub-exception)" : " sub-exceptions)");
}

}  // namespace

ExceptionGroup::ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions) {
    if (exceptions.empty()) {
        throw std::invalid_argument("ExceptionGroup \"" + message + "\": expected a non-empty sequence of exceptions");
    }
    if (std::find(exceptions.begin(), exceptions.end(), nullptr) != exceptions.end()) {
        throw std::invalid_argument("ExceptionGroup \"" + message + "\": an item is null, expected exceptions");
    }
    std::string tree = counted(message, exceptions.size());
    for (const std::exception_ptr& item : exceptions) append_indented(tree, sync::describe(item));
    content_ = std::make_shared<const Content>(Content{std::move(message), std::move(exceptions), std::move(tree)});
}

std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> ExceptionGroup::split_by(
    Predicate predicate) const {
    if (predicate == nullptr) return {*this, std::nullopt};
    std::vector<std::exception_ptr> matching;
    std::vector<std::exception_ptr> others;
    const auto add = [](std::vector<std::exception_ptr>& to, const std::optional<ExceptionGroup>& group) {
        if (group) to.push_back(std::make_exception_ptr(*group));
    };
    for (const std::exception_ptr& item : exceptions()) {
        if (predicate(item)) {
            matching.push_back(item);
            continue;
        }
        try {
            std::rethrow_exception(item);
        } catch (const ExceptionGroup& group) {
            const auto parts = group.split_by(predicate);
            add(matching, parts.first);
            add(others, parts.second);
        } catch (...) {
            others.push_back(item);
        }
    }
    const auto group_of = [this](std::vector<std::exception_ptr> members) -> std::optional<ExceptionGroup> {
        if (members.empty()) return std::nullopt;
        return ExceptionGroup(message(), std::move(members));
    };
    return {group_of(std::move(matching)), group_of(std::move(others))};
}

}  // namespace weft
