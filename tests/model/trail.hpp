// Trail: the choices of one execution in order, each as "which of how many". It is the whole difference between two
// executions of a model, so it is what depth-first search counts up and what a failure prints to be replayed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft::model {

struct Choice {
    std::uint32_t count;
    std::uint32_t chosen;
};

class Trail {
public:
    void push(Choice choice) { choices_.push_back(choice); }
    void clear() { choices_.clear(); }
    [[nodiscard]] std::size_t size() const { return choices_.size(); }
    [[nodiscard]] std::vector<std::uint32_t> answers() const {
        std::vector<std::uint32_t> answers;
        for (const Choice& choice : choices_) answers.push_back(choice.chosen);
        return answers;
    }
    Choice& operator[](std::size_t i) { return choices_[i]; }

    // Goes to the next trail in depth-first order, which shares as long a beginning as possible; false after the last.
    [[nodiscard]] bool advance();

    // "3x0,1,2": three times the first, then the second, then the third. Zeros at the end are left out.
    [[nodiscard]] std::string text() const;
    // What `text` wrote, as the choices alone; throws std::invalid_argument.
    static std::vector<std::uint32_t> parse(std::string_view text);

private:
    std::vector<Choice> choices_;
};

}  // namespace weft::model
