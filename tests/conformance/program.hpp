// Program: a random program of generator.py, read from its line of JSON (arrays, integers, strings and null).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::conformance {

enum class Verb {
    log,
    create,
    group_create,
    set_result,
    set_exception,
    cancel,
    uncancel,
    count,
    result,
    soon,
    later,
    cancel_handle,
    add_callback,
    remove_callback,
    gather,
    shield,
    reschedule,
    scope,
    raise,
    reraise,
    ret,
    sleep,
    await,
    wait_for,
    wait,
    as_completed,
    ask,
    want,
    timeout,
    group,
    hold,
    attempt,
    repeat,
    if_done
};

struct Statement;
using Block = std::vector<Statement>;

// One handler of an attempt: 'C' CancelledError, 'T' TimeoutError, 'G' ExceptionGroup, 'E' AppError, 'X' any exception.
struct Handler;

struct Statement {
    Verb verb{};
    std::vector<std::optional<int>> numbers;
    std::string text;
    std::vector<int> refs;
    std::vector<Block> blocks;
    std::vector<Handler> handlers;

    [[nodiscard]] int number(std::size_t i) const { return numbers.at(i).value(); }
};

struct Handler {
    char kind{};
    Block block;
};

// A lock or a queue that the tasks share, and how it is made.
struct Shared {
    std::string kind;
    int number = 0;
};

struct Program {
    int futures = 0;
    std::vector<Block> bodies;
    std::vector<Block> callbacks;
    std::vector<Shared> shared;
};

class ProgramReader {
public:
    explicit ProgramReader(std::string_view text) : rest_(text) {}

    Program read() {
        Program program;
        expect('[');
        program.futures = integer();
        expect(',');
        program.bodies = list<Block>([this] { return block(); });
        expect(',');
        program.callbacks = list<Block>([this] { return block(); });
        expect(',');
        program.shared = list<Shared>([this] { return shared(); });
        expect(']');
        return program;
    }

private:
    Block block() {
        return list<Statement>([this] { return statement(); });
    }

    Statement statement() {
        Statement statement;
        expect('[');
        statement.verb = verb(string());
        for (int position = 0; accept(','); ++position) argument(statement, position);
        expect(']');
        return statement;
    }

    void argument(Statement& statement, int position) {
        if (peek() == '"') {
            statement.text = string();
        } else if (peek() == 'n') {
            word("null");
            statement.numbers.emplace_back();
        } else if (peek() != '[') {
            statement.numbers.emplace_back(integer());
        } else if (statement.verb == Verb::attempt && position == 1) {
            statement.handlers = list<Handler>([this] { return handler(); });
        } else if (statement.verb >= Verb::timeout) {
            statement.blocks.push_back(block());
        } else {
            statement.refs = list<int>([this] { return integer(); });
        }
    }

    Handler handler() {
        Handler handler;
        expect('[');
        handler.kind = string().at(0);
        expect(',');
        handler.block = block();
        expect(']');
        return handler;
    }

    Shared shared() {
        Shared shared;
        expect('[');
        shared.kind = string();
        expect(',');
        shared.number = integer();
        expect(']');
        return shared;
    }

    static Verb verb(const std::string& name) {
        static const std::map<std::string_view, Verb> verbs{
            {"log", Verb::log},           {"new", Verb::create},          {"tgnew", Verb::group_create},
            {"setr", Verb::set_result},   {"sete", Verb::set_exception},  {"cancel", Verb::cancel},
            {"uncancel", Verb::uncancel}, {"count", Verb::count},         {"res", Verb::result},
            {"soon", Verb::soon},         {"later", Verb::later},         {"hcancel", Verb::cancel_handle},
            {"adc", Verb::add_callback},  {"rdc", Verb::remove_callback}, {"gather", Verb::gather},
            {"shield", Verb::shield},     {"resched", Verb::reschedule},  {"scope", Verb::scope},
            {"raise", Verb::raise},       {"reraise", Verb::reraise},     {"ret", Verb::ret},
            {"sleep", Verb::sleep},       {"await", Verb::await},         {"waitfor", Verb::wait_for},
            {"wait", Verb::wait},         {"asc", Verb::as_completed},    {"ask", Verb::ask},
            {"want", Verb::want},         {"hold", Verb::hold},           {"timeout", Verb::timeout},
            {"group", Verb::group},       {"try", Verb::attempt},         {"repeat", Verb::repeat},
            {"ifdone", Verb::if_done}};
        const auto found = verbs.find(name);
        if (found == verbs.end()) throw std::runtime_error("unknown verb " + name);
        return found->second;
    }

    template <class T, class F>
    std::vector<T> list(F read) {
        std::vector<T> items;
        expect('[');
        if (accept(']')) return items;
        do {
            items.push_back(read());
        } while (accept(','));
        expect(']');
        return items;
    }

    int integer() {
        const bool negative = accept('-');
        int value = 0;
        while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
            value = value * 10 + (rest_[0] - '0');
            rest_.remove_prefix(1);
        }
        return negative ? -value : value;
    }

    std::string string() {
        expect('"');
        const std::size_t end = rest_.find('"');
        if (end == std::string_view::npos) throw std::runtime_error("a string does not end");
        std::string text(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        return text;
    }

    void word(std::string_view expected) {
        for (const char c : expected) expect(c);
    }

    char peek() {
        while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
        return rest_.empty() ? '\0' : rest_[0];
    }
    bool accept(char c) {
        if (peek() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!accept(c)) throw std::runtime_error(std::string("expected ") + c + " before: " + std::string(rest_));
    }

    std::string_view rest_;
};

}  // namespace weft::conformance
