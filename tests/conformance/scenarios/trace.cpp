// weft_scenarios [--list] [AREA | AREA.NAME ...]: prints the traces of the scenarios, "== AREA.NAME" before each.
#include "tests/conformance/scenarios/trace.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <span>

#include "scheduler/virtual_parker.hpp"
#include "sync/exception_context.hpp"
#include "sync/report.hpp"

namespace weft::conformance {

namespace {

std::vector<Scenario>& scenarios() {
    static std::vector<Scenario> all;
    return all;
}

std::string area_of(std::string_view file) {
    const std::size_t slash = file.rfind('/');
    if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
    return std::string(file.substr(0, file.find('.')));
}

std::string with_text(std::string name, std::string_view text) {
    if (!text.empty()) name.append("(").append(text).append(")");
    return name;
}

// What the library reports goes to the running scenario's trace.
Trace* listener = nullptr;

void hear(const ExceptionContext& context) {
    if (listener == nullptr) return;
    std::string_view message = context.message;
    for (const std::string_view words :
         {"Unhandled error in exception handler", "Exception in callback", "exception in shielded future",
          "Task was destroyed but it is pending!", "unhandled exception during run() shutdown"}) {
        if (message.find(words) != std::string_view::npos) message = words;
    }
    // Python's is then the handler's failure, weft's what was to be handled.
    const bool unhandled = message.starts_with("Unhandled");
    if (context.exception == nullptr || unhandled) {
        (*listener)("report:", message);
    } else {
        (*listener)("report:", message, context.exception);
    }
}

class Listening {
public:
    explicit Listening(Trace& log) {
        listener = &log;
        sync::set_report_sink(&hear);
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening() {
        sync::set_report_sink(nullptr);
        listener = nullptr;
    }
};

Coro<> sweep() {
    for (const AnyTask& task : all_tasks()) {
        if (task != current_task()) task.cancel();
    }
    for (bool left = true; left;) {
        co_await sleep(0s);
        const std::vector<AnyTask> tasks = all_tasks();
        left = tasks.size() > 1;
        if (left) {
            const AnyTask& other = tasks[0] == current_task() ? tasks[1] : tasks[0];
            (void)co_await outcome(other);
        }
    }
}

void run_scenario(const Scenario& scenario) {
    Loop loop(std::make_unique<scheduler::VirtualParker>());
    Trace log(loop);
    const Listening listening(log);
    std::cout << "== " << scenario.area << '.' << scenario.name << '\n';
    try {
        if (scenario.body != nullptr) {
            loop.run_until_complete(scenario.body(log));
        } else {
            scenario.loop_body(log);
        }
    } catch (const scheduler::Deadlock& deadlock) {
        log(deadlock.what());
    } catch (...) {
        log("ended with", std::current_exception());
    }
    log.silence();
    if (!loop.is_closed()) {
        try {
            loop.run_until_complete(sweep());
        } catch (const scheduler::Deadlock&) {  // what is left is destroyed with the loop
        }
        loop.close();
    }
}

}  // namespace

std::string kind(const std::exception_ptr& exception) {
    const std::string text = err(exception);
    return text.substr(0, text.find('('));
}

std::string err(const std::exception_ptr& exception) {
    if (exception == nullptr) return "None";
    try {
        std::rethrow_exception(exception);
    } catch (const ExceptionGroup& group) {
        std::string errors;
        for (const auto& error : group.exceptions()) errors += (errors.empty() ? "" : ", ") + err(error);
        return "ExceptionGroup(" + group.message() + ": " + errors + ")";
    } catch (const CancelledError& error) {
        return with_text("CancelledError", error.message());
    } catch (const SystemExit& exit) {
        return with_text("SystemExit", std::to_string(exit.code()));
    } catch (const KeyboardInterrupt&) {
        return "KeyboardInterrupt";
    } catch (const TimeoutError&) {
        return "TimeoutError";
    } catch (const InvalidStateError&) {
        return "InvalidStateError";
    } catch (const std::out_of_range&) {
        return "LookupError";
    } catch (const ValueError& error) {
        return with_text("ValueError", error.what());
    } catch (const scheduler::Deadlock& error) {
        return with_text("Deadlock", error.what());
    } catch (const BrokenBarrierError& error) {
        return with_text("BrokenBarrierError", error.what());
    } catch (const RuntimeError& error) {
        return with_text("RuntimeError", error.what());
    } catch (const QueueEmpty&) {
        return "QueueEmpty";
    } catch (const QueueFull&) {
        return "QueueFull";
    } catch (const QueueShutDown&) {
        return "QueueShutDown";
    } catch (const std::exception& error) {
        return with_text("Exception", error.what());
    } catch (...) {
        return "BaseException";
    }
}

std::string show(bool value) { return value ? "True" : "False"; }

std::string show(double value) {
    std::array<char, 40> text{};
    (void)std::snprintf(text.data(), text.size(), "%g", value);
    return text.data();
}

std::string show(TimePoint time) { return show(std::chrono::duration<double>(time.time_since_epoch()).count()); }

std::string show(const AnyTask& task) { return task ? task.get_name() : "None"; }

std::string Trace::now() const { return show(loop_.time()); }

void Trace::write(const std::vector<std::string>& parts) const {
    if (silent_) return;
    for (std::size_t i = 0; i < parts.size(); ++i) std::cout << (i == 0 ? "" : " ") << parts[i];
    std::cout << '\n';
}

Coro<> pause(int turns) {
    for (int i = 0; i < turns; ++i) co_await sleep(0s);
}

void turn(Loop& loop) {
    loop.stop();
    loop.run_forever();
}

Registration::Registration(std::string_view file, std::string name, std::vector<int> rules,
                           Coro<> (*body)(Trace& log)) {
    scenarios().push_back({area_of(file), std::move(name), std::move(rules), body, nullptr});
}
Registration::Registration(std::string_view file, std::string name, std::vector<int> rules, void (*body)(Trace& log)) {
    scenarios().push_back({area_of(file), std::move(name), std::move(rules), nullptr, body});
}

namespace {

int run_program(std::span<const std::string> arguments) {
    const bool list = !arguments.empty() && arguments.front() == "--list";
    const std::span<const std::string> names = list ? arguments.subspan(1) : arguments;
    // Of several files the linker decides the order of registration; within a file it is that of the text.
    std::map<std::string, std::vector<const Scenario*>> by_area;
    for (const Scenario& scenario : scenarios()) by_area[scenario.area].push_back(&scenario);
    int found = 0;
    for (const auto& [area, members] : by_area) {
        for (const Scenario* scenario : members) {
            const std::string full = area + "." + scenario->name;
            const auto is_named = [&](const std::string& name) { return name == scenario->area || name == full; };
            if (!names.empty() && std::ranges::none_of(names, is_named)) continue;
            ++found;
            if (!list) {
                run_scenario(*scenario);
                continue;
            }
            std::cout << full;
            for (const int rule : scenario->rules) std::cout << ' ' << rule;
            std::cout << '\n';
        }
    }
    if (found == 0) std::cerr << "weft_scenarios: no such scenario\n";
    return found == 0 ? 2 : 0;
}

}  // namespace

}  // namespace weft::conformance

int main(int argc, char** argv) {
    std::vector<std::string> arguments;
    std::copy(argv + 1, argv + argc, std::back_inserter(arguments));
    return weft::conformance::run_program(arguments);
}
