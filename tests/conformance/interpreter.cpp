#include "tests/conformance/interpreter.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <type_traits>
#include <typeinfo>

#include "sync/errors.hpp"
#include "sync/sleep.hpp"

using namespace std::chrono_literals;

namespace weft::conformance {

namespace {

constexpr int kCoroutine = 100;  // refs from here on are coroutines
constexpr int kSelf = -1;
constexpr int kBodiesAtMost = 60;
constexpr int kGathersAtMost = 12;
constexpr int kRounds = 8;
constexpr int kFreeRounds = 40;
constexpr Duration kGlance = 2ms;
constexpr Duration kQuiet = 30ms;    // in which nothing happens: what waits, waits for ever
constexpr Duration kPatience = 20s;  // on a machine that is busy
constexpr Duration kSettle = 10s;  // what still waits after that, waits for ever

class AppError : public std::exception {
public:
    explicit AppError(int number) : number_(number) {}
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

// 'C', 'T', 'G', 'E' as in Handler, 'I' InvalidStateError, 'R' RuntimeError, 'X' any other exception; and its text.
struct Described {
    char kind;
    std::string text;
};

Described describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const AppError& e) {
        return {'E', "E" + std::to_string(e.number())};
    } catch (const CancelledError& e) {
        return {'C', e.message().empty() ? "C" : "C:" + e.message()};
    } catch (const TimeoutError&) {
        return {'T', "Timeout"};
    } catch (const InvalidStateError&) {
        return {'I', "Invalid"};
    } catch (const ExceptionGroup& e) {
        std::string text = "G[";
        for (const std::exception_ptr& inner : e.exceptions()) {
            if (text.back() != '[') text += ',';
            text += describe(inner).text;
        }
        return {'G', text + "]"};
    } catch (const BrokenBarrierError&) {
        return {'R', "BrokenBarrier"};
    } catch (const std::runtime_error&) {
        return {'R', "Runtime"};
    } catch (const std::invalid_argument&) {
        return {'X', "Value"};
    } catch (const QueueEmpty&) {
        return {'X', "QueueEmpty"};
    } catch (const QueueFull&) {
        return {'X', "QueueFull"};
    } catch (const QueueShutDown&) {
        return {'X', "QueueShutDown"};
    } catch (const std::exception& e) {
        return {'X', std::string(typeid(e).name()) + "(" + e.what() + ")"};
    }
}

std::string text_of(const std::exception_ptr& error) { return describe(error).text; }

std::string text(int value) { return std::to_string(value); }

std::string text(const Outcome<int>& outcome) {
    return outcome.has_value() ? text(outcome.value()) : "!" + text_of(outcome.exception());
}

template <class T>
std::string text(const std::vector<T>& values) {
    std::string all = "[";
    for (const T& value : values) all += (all.size() > 1 ? "," : "") + text(value);
    return all + "]";
}

template <class... Ts>
std::string text(const std::tuple<Ts...>& values) {
    std::string all = "[";
    const auto add = [&all](const auto& value) { all += (all.size() > 1 ? "," : "") + text(value); };
    std::apply([&add](const Ts&... value) { (add(value), ...); }, values);
    return all + "]";
}

template <class H>
inline constexpr bool kTyped = !std::is_same_v<std::remove_cvref_t<H>, AnyFuture>;

AnyFuture any_of(const AnySlot& handle) {
    return std::visit([](const auto& h) { return AnyFuture(h.ref()); }, handle);
}

// Throws what the handle failed with, or InvalidStateError while it is pending.
std::string result_text(const AnySlot& handle) {
    return std::visit(
        [](const auto& h) -> std::string {
            if constexpr (kTyped<decltype(h)>) {
                return text(h.result());
            } else {
                if (const std::exception_ptr error = h.exception()) std::rethrow_exception(error);
                return "*";
            }
        },
        handle);
}

std::string state_text(const AnySlot& handle) {
    const AnyFuture any = any_of(handle);
    if (!any.done()) return "pending";
    if (any.cancelled()) return "cancelled";
    if (const std::exception_ptr error = any.exception()) return "!" + text_of(error);
    return "=" + result_text(handle);
}

// The handle of an int, if it is one.
std::optional<Future<int>> int_handle(const AnySlot& handle) {
    if (const auto* future = std::get_if<Future<int>>(&handle)) return *future;
    if (const auto* task = std::get_if<Task<int>>(&handle)) return Future<int>(*task);
    return std::nullopt;
}

template <class H>
Coro<std::string> await_text(H handle) {
    if constexpr (kTyped<H>) {
        const auto value = co_await std::move(handle);
        co_return text(value);
    } else {
        co_await handle;
        co_return "*";
    }
}

template <class H>
Coro<std::string> wait_for_text(H handle, std::optional<Duration> limit) {
    if constexpr (kTyped<H>) {
        const int value = co_await weft::wait_for(std::move(handle), limit);
        co_return text(value);
    } else {
        co_await weft::wait_for(std::move(handle), limit);
        co_return "*";
    }
}

std::optional<Duration> milliseconds(const std::optional<int>& count) {
    if (!count) return std::nullopt;
    return std::chrono::milliseconds(*count);
}

bool reaches(const Node* node, const Node* goal) {
    if (node == nullptr) return false;
    if (node == goal || reaches(node->waits_for, goal)) return true;
    return std::ranges::any_of(node->children, [goal](const Node* child) { return reaches(child, goal); });
}

// One argument of gather.
using Member = std::variant<Future<int>, AnyFuture, Coro<int>>;

// gather of up to three arguments, each with its own type.
template <class... Done>
AnySlot gather_each(bool failures_are_results, std::vector<Member>& members, Done&&... done) {
    if (members.size() == sizeof...(Done)) {
        if constexpr (sizeof...(Done) == 0) {
            if (failures_are_results) return AnyFuture(weft::gather(return_exceptions));
            return AnyFuture(weft::gather());
        } else {
            if (failures_are_results) return weft::gather(return_exceptions, std::forward<Done>(done)...);
            return weft::gather(std::forward<Done>(done)...);
        }
    }
    if constexpr (sizeof...(Done) < 3) {
        Member& next = members[sizeof...(Done)];
        if (auto* future = std::get_if<Future<int>>(&next)) {
            return gather_each(failures_are_results, members, std::forward<Done>(done)..., *future);
        }
        return gather_each(failures_are_results, members, std::forward<Done>(done)...,
                           std::move(std::get<Coro<int>>(next)));
    } else {
        throw std::logic_error("more than three arguments of two kinds");
    }
}

template <class H>
auto gather_vector(bool failures_are_results, std::vector<H> members) -> AnySlot {
    if (failures_are_results) {
        auto future = weft::gather(return_exceptions, std::move(members));
        if constexpr (kTyped<H>) {
            return future;
        } else {
            return AnyFuture(future);
        }
    }
    auto future = weft::gather(std::move(members));
    if constexpr (kTyped<H>) {
        return future;
    } else {
        return AnyFuture(future);
    }
}

template <class H>
std::vector<H> all_as(std::vector<Member>& members) {
    std::vector<H> handles;
    for (Member& member : members) handles.push_back(std::move(std::get<H>(member)));
    return handles;
}

template <class H>
bool all_are(const std::vector<Member>& members) {
    return std::ranges::all_of(members, [](const Member& member) { return std::holds_alternative<H>(member); });
}

std::string join(const std::vector<std::size_t>& places) {
    std::string all;
    for (const std::size_t place : places) all += (all.empty() ? "" : ",") + std::to_string(place);
    return all;
}

}  // namespace

AnyFuture Slot::any() const { return any_of(handle); }

// --- driver ---

Coro<> Interpreter::drive() {
    start_ = get_running_loop().time();
    for (int i = 0; i < program_.futures; ++i) put(i, create_future<int>(), nullptr);
    Node* node = make_node();
    started_ = 1;
    gathers_ = 0;
    put(program_.futures, create_task(body(0, node), {.name = "main"}), node);
    co_await settle();
    for (int round = 0; round < (free_ ? kFreeRounds : kRounds); ++round) {
        std::vector<AnyTask> left;
        bool over = !free_;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [task, its_node] : tasks_) {
                if (!task.done()) left.push_back(task);
            }
            // A timer of the program's may start others behind our back: no more, and those that it has started.
            // Nor those that answer each cancellation with a new task.
            if (free_ && round == kRounds) started_ = kBodiesAtMost;
            if (left.empty() && free_) over = std::exchange(started_, kBodiesAtMost) == kBodiesAtMost;
        }
        if (left.empty() && over) break;
        if (left.empty()) {
            co_await settle();
            continue;
        }
        log(".", "left " + std::to_string(left.size()));
        for (const AnyTask& task : left) task.cancel("left");
        for (std::size_t i = 0; i < shared_.size(); ++i) {
            if (shared_.free(static_cast<int>(i))) log(".", "freed " + std::to_string(i));
        }
        co_await settle();
    }
    if (free_) {
        {
            const std::lock_guard lock(mutex_);
            const bool ended = std::ranges::all_of(tasks_, [](const auto& entry) { return entry.first.done(); });
            if (!ended) violations_ += "a task does not end\n";
            if (ended && runs_ != ends_) violations_ += "a body began and did not end\n";
            if (ended) violations_ += shared_.violations();
        }
        co_await look_for([this] { return wrong_callbacks(); });
        co_return;
    }
    for (const auto& [number, slot] : slots_) {
        log(".", "slot " + std::to_string(number) + " " + state_text(slot.handle));
    }
    for (std::size_t i = 0; i < shared_.size(); ++i) {
        log(".", "shared " + std::to_string(i) + " " + shared_.look(static_cast<int>(i)));
    }
    std::string counts;
    for (const auto& [task, its_node] : tasks_) {
        counts += (counts.empty() ? "" : ",") + std::to_string(task.cancelling());
    }
    log(".", "counts " + counts);
}

Coro<> Interpreter::settle() {
    if (!free_) {
        co_await weft::sleep(kSettle);
        co_return;
    }
    for (std::size_t before = ~std::size_t{0};;) {
        {
            const std::lock_guard lock(mutex_);
            if (before == events_) break;
            before = events_;
        }
        Duration waited{};
        do {
            co_await weft::sleep(kGlance);
            waited += kGlance;
        } while (waited < kQuiet && !all_done());
    }
    co_await look_for([this] { return missed_wakes(); });
}

Coro<> Interpreter::look_for(std::function<std::string()> find) {
    std::string found = find();
    for (Duration waited{}; waited < kPatience && !found.empty(); waited += kGlance) {
        co_await weft::sleep(kGlance);
        found = find();
    }
    violations_ += found;
}

bool Interpreter::all_done() {
    const std::lock_guard lock(mutex_);
    return std::ranges::all_of(tasks_, [](const auto& entry) { return entry.first.done(); });
}

std::string Interpreter::missed_wakes() {
    const std::lock_guard lock(mutex_);
    for (const auto& [task, node] : tasks_) {
        if (!task.done() && node->awaited && node->awaited.done()) return "a task waits for something that is done\n";
    }
    return {};
}

std::string Interpreter::wrong_callbacks() {
    const std::lock_guard lock(mutex_);
    for (const auto& [future, calls] : watched_) {
        if (calls != (future.done() ? 1U : 0U)) {
            return "a done callback was called " + std::to_string(calls) + " times\n";
        }
    }
    return {};
}

// A group may be used by its task and by its children. Under the mutex.
bool Interpreter::may_use(const void* group, const Node* owner, const Node* user) const {
    if (!free_) return true;
    while (user != nullptr && user != owner && user->member_of != group) user = user->parent;
    return user != nullptr;
}

// --- bodies, callbacks, blocks ---

Coro<int> Interpreter::body(int number, Node* node) {
    const AnyTask self = current_task();
    Context context{.who = {}, .node = node, .error = {}};
    {
        const std::lock_guard lock(mutex_);
        context.who = std::to_string(number) + "#" + std::to_string(++runs_);
        enlist(self, node);
    }
    log(context.who, "begins " + std::to_string(self.cancelling()));
    Returned value;
    try {
        value = co_await block(program_.bodies.at(static_cast<std::size_t>(number)), context);
    } catch (...) {
        log(context.who, "fails " + text_of(std::current_exception()));
        const std::lock_guard lock(mutex_);
        ++ends_;
        throw;
    }
    {
        const std::lock_guard lock(mutex_);
        ++ends_;
    }
    log(context.who, "returns " + std::to_string(value.value_or(0)));
    co_return value.value_or(0);
}

void Interpreter::callback(int number, const std::string& origin) {
    const Context context{.who = "@" + std::to_string(number), .node = nullptr, .error = {}};
    log(context.who, "called by " + origin);
    const auto run = [this, &context](const auto& self, const Block& statements) -> void {
        for (const Statement& statement : statements) {
            if (statement.verb == Verb::if_done) {
                self(self, branch(statement));
            } else {
                (void)run_at_once(statement, context);
            }
        }
    };
    run(run, program_.callbacks.at(static_cast<std::size_t>(number)));
}

Coro<Returned> Interpreter::block(const Block& statements, Context& context) {
    for (const Statement& statement : statements) {
        if (run_at_once(statement, context)) continue;
        Returned value = co_await run_slowly(statement, context);
        if (value) co_return value;
    }
    co_return std::nullopt;
}

bool Interpreter::run_at_once(const Statement& statement, const Context& context) {
    switch (statement.verb) {
        case Verb::log: log(context.who, "log " + std::to_string(statement.number(0))); return true;
        case Verb::create: create(statement, context); return true;
        case Verb::group_create: group_create(statement, context); return true;
        case Verb::set_result: set_result(statement, context); return true;
        case Verb::set_exception: set_exception(statement, context); return true;
        case Verb::cancel: cancel(statement, context); return true;
        case Verb::uncancel: uncancel(statement, context); return true;
        case Verb::count: count(statement, context); return true;
        case Verb::result: result(statement, context); return true;
        case Verb::soon: soon(statement); return true;
        case Verb::later: later(statement); return true;
        case Verb::cancel_handle: cancel_handle(statement, context); return true;
        case Verb::add_callback: add_callback(statement, context); return true;
        case Verb::remove_callback: remove_callback(statement, context); return true;
        case Verb::gather: gather(statement, context); return true;
        case Verb::shield: shield(statement, context); return true;
        case Verb::reschedule: reschedule(statement, context); return true;
        case Verb::scope: scope(statement, context); return true;
        case Verb::ask: ask(statement, context); return true;
        case Verb::raise: raise(statement); return true;
        case Verb::reraise:
            if (context.error) std::rethrow_exception(context.error);
            return true;
        default: return false;
    }
}

Coro<Returned> Interpreter::run_slowly(const Statement& statement, Context& context) {
    switch (statement.verb) {
        case Verb::ret: co_return statement.number(0);
        case Verb::sleep: co_await sleep(statement, context); break;
        case Verb::await: co_await await(statement, context); break;
        case Verb::wait_for: co_await wait_for(statement, context); break;
        case Verb::wait: co_await wait(statement, context); break;
        case Verb::as_completed: co_await as_completed(statement, context); break;
        case Verb::want: co_await want(statement, context); break;
        case Verb::hold: co_return co_await hold(statement, context);
        case Verb::timeout: co_return co_await timeout(statement, context);
        case Verb::group: co_return co_await group(statement, context);
        case Verb::attempt: co_return co_await attempt(statement, context);
        case Verb::repeat: co_return co_await repeat(statement, context);
        case Verb::if_done: co_return co_await block(branch(statement), context);
        default: throw std::logic_error("a verb that never suspends");
    }
    co_return std::nullopt;
}

// --- the tables ---

void Interpreter::log(std::string_view who, const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++events_;
    if (free_) return;
    trace_ += std::to_string((get_running_loop().time() - start_) / 1ms);
    trace_.append(" ").append(who).append(" ").append(what).append("\n");
}

Node* Interpreter::make_node() {
    const std::lock_guard lock(mutex_);
    return &nodes_.emplace_back();
}

std::optional<Slot> Interpreter::slot(int number) {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(number);
    if (found == slots_.end()) return std::nullopt;
    return found->second;
}

AnyTask Interpreter::task(int number) {
    if (number == kSelf) return current_task();
    const std::optional<Slot> found = slot(number);
    if (!found || !std::holds_alternative<Task<int>>(found->handle)) return {};
    return std::get<Task<int>>(found->handle);
}

Interpreter::~Interpreter() {
    for (const AnyFuture& future : made_) future.cancel();
}

void Interpreter::put(int number, AnySlot handle, Node* node) {
    std::size_t* calls = nullptr;
    {
        const std::lock_guard lock(mutex_);
        slots_.insert_or_assign(number, Slot{handle, node});
        made_.push_back(any_of(handle));
        if (free_) calls = &watched_.emplace_back(any_of(handle), 0).second;
        // Before it begins: else a program whose tasks no loop has come to yet seems to have ended.
        if (const auto* task = std::get_if<Task<int>>(&handle); free_ && task != nullptr) enlist(*task, node);
    }
    if (calls == nullptr) return;
    any_of(handle).add_done_callback([this, calls](const AnyFuture&) {
        const std::lock_guard lock(mutex_);
        ++events_;
        ++*calls;
    });
}

void Interpreter::enlist(const AnyTask& task, Node* node) {
    const auto same = [&task](const auto& entry) { return entry.first == task; };
    if (std::ranges::none_of(tasks_, same)) tasks_.emplace_back(task, node);
}

const Block& Interpreter::branch(const Statement& statement) {
    const std::optional<Slot> found = slot(statement.number(0));
    return statement.blocks.at(found && found->any().done() ? 0 : 1);
}

std::string Interpreter::name_of_newest() {
    const std::lock_guard lock(mutex_);
    return "n" + std::to_string(started_);
}

std::optional<Coro<int>> Interpreter::coroutine(int ref, Node* node) {
    {
        const std::lock_guard lock(mutex_);
        if (started_ >= kBodiesAtMost) return std::nullopt;
        ++started_;
    }
    return body(ref - kCoroutine, node);
}

std::optional<Interpreter::Found> Interpreter::resolve(const Context& context, const std::string& what, int ref) {
    if (ref >= kCoroutine) {
        std::optional<Coro<int>> made = coroutine(ref, context.node);
        if (!made) {
            log(context.who, what + " full");
            return std::nullopt;
        }
        const std::lock_guard lock(mutex_);
        return Found{std::move(*made), std::exchange(context.node->waits_for, nullptr)};
    }
    const std::optional<Slot> found = slot(ref);
    if (!found) {
        log(context.who, what + " none");
        return std::nullopt;
    }
    if (const bool own = found->any() == current_task(); !own) {
        const std::lock_guard lock(mutex_);
        if (!reaches(found->node, context.node)) {
            context.node->awaited = found->any();
            return Found{*found, std::exchange(context.node->waits_for, found->node)};
        }
    }
    log(context.who, what + " cycle");
    return std::nullopt;
}

// --- statements that do not suspend ---

void Interpreter::create(const Statement& statement, const Context& context) {
    Node* node = make_node();
    std::optional<Coro<int>> made = coroutine(kCoroutine + statement.number(1), node);
    if (!made) return log(context.who, "new full");
    const std::string name = name_of_newest();
    const Task<int> task = create_task(std::move(*made), {.name = name, .eager_start = statement.number(2) != 0});
    put(statement.number(0), task, node);
    log(context.who, "new " + std::to_string(statement.number(0)) + " " + task.get_name());
}

void Interpreter::group_create(const Statement& statement, const Context& context) {
    TaskGroup* group = nullptr;
    Node* node = make_node();
    {
        const std::lock_guard lock(mutex_);
        const Scoped<TaskGroup> found = groups_[statement.number(0)];
        if (may_use(found.object, found.owner, context.node)) group = found.object;
        if (free_ && group != nullptr) {
            node->member_of = group;
            node->parent = found.owner;
            found.owner->children.push_back(node);
        }
    }
    if (group == nullptr) return log(context.who, "tgnew none");
    std::optional<Coro<int>> made = coroutine(kCoroutine + statement.number(2), node);
    if (!made) return log(context.who, "tgnew full");
    const std::string name = name_of_newest();
    try {
        const Task<int> task =
            group->create_task(std::move(*made), {.name = name, .eager_start = statement.number(3) != 0});
        put(statement.number(1), task, node);
        log(context.who, "tgnew " + std::to_string(statement.number(1)) + " " + task.get_name());
    } catch (const std::runtime_error&) {
        log(context.who, "tgnew Runtime");
    }
}

void Interpreter::set_result(const Statement& statement, const Context& context) {
    const std::string what = "setr " + std::to_string(statement.number(0));
    const Future<int> future = std::get<Future<int>>(slot(statement.number(0)).value().handle);
    try {
        future.set_result(statement.number(1));
        log(context.who, what);
    } catch (const InvalidStateError&) {
        log(context.who, what + " Invalid");
    }
}

void Interpreter::set_exception(const Statement& statement, const Context& context) {
    const std::string what = "sete " + std::to_string(statement.number(0));
    const Future<int> future = std::get<Future<int>>(slot(statement.number(0)).value().handle);
    try {
        if (statement.number(1) < 0) {
            future.set_exception(CancelledError("set"));
        } else {
            future.set_exception(AppError(statement.number(1)));
        }
        log(context.who, what);
    } catch (const InvalidStateError&) {
        log(context.who, what + " Invalid");
    }
}

void Interpreter::cancel(const Statement& statement, const Context& context) {
    const int number = statement.number(0);
    const std::string what = "cancel " + std::to_string(number);
    AnyFuture target;
    if (number == kSelf) {
        target = current_task();
    } else if (const std::optional<Slot> found = slot(number)) {
        target = found->any();
    }
    if (!target) return log(context.who, what + " none");
    const bool answer = target.cancel(statement.text);
    log(context.who, what + (answer ? " 1" : " 0"));
}

void Interpreter::uncancel(const Statement& statement, const Context& context) {
    const std::string what = "uncancel " + std::to_string(statement.number(0));
    const AnyTask target = task(statement.number(0));
    if (!target) return log(context.who, what + " none");
    log(context.who, what + " " + std::to_string(target.uncancel()));
}

void Interpreter::count(const Statement& statement, const Context& context) {
    const std::string what = "count " + std::to_string(statement.number(0));
    const AnyTask target = task(statement.number(0));
    if (!target) return log(context.who, what + " none");
    log(context.who, what + " " + std::to_string(target.cancelling()));
}

void Interpreter::result(const Statement& statement, const Context& context) {
    const std::string what = "res " + std::to_string(statement.number(0));
    const std::optional<Slot> found = slot(statement.number(0));
    if (!found) return log(context.who, what + " none");
    try {
        log(context.who, what + " =" + result_text(found->handle));
    } catch (...) {
        log(context.who, what + " !" + text_of(std::current_exception()));
    }
}

void Interpreter::soon(const Statement& statement) {
    const int number = statement.number(0);
    Handle handle = get_running_loop().call_soon([this, number] { callback(number, "soon"); });
    const std::lock_guard lock(mutex_);
    handles_[statement.number(1)] = std::move(handle);
}

void Interpreter::later(const Statement& statement) {
    const int number = statement.number(1);
    TimerHandle handle = get_running_loop().call_later(std::chrono::milliseconds(statement.number(0)),
                                                       [this, number] { callback(number, "later"); });
    const std::lock_guard lock(mutex_);
    handles_[statement.number(2)] = std::move(handle);
}

void Interpreter::cancel_handle(const Statement& statement, const Context& context) {
    Handle handle;
    {
        const std::lock_guard lock(mutex_);
        handle = handles_[statement.number(0)];
    }
    if (!handle) return log(context.who, "hcancel none");
    handle.cancel();
    log(context.who, "hcancel");
}

void Interpreter::add_callback(const Statement& statement, const Context& context) {
    const int number = statement.number(0);
    const std::optional<Slot> found = slot(number);
    if (!found) return log(context.who, "adc " + std::to_string(number) + " none");
    std::visit(
        [&](const auto& handle) {
            const int callback_number = statement.number(1);
            const auto call = [this, number, callback_number](const std::remove_cvref_t<decltype(handle)>& done) {
                callback(callback_number, std::to_string(number) + " " + state_text(done));
            };
            const CallbackId id = handle.add_done_callback(call);
            const std::lock_guard lock(mutex_);
            registrations_[statement.number(2)] = [handle, id] { return handle.remove_done_callback(id); };
        },
        found->handle);
}

void Interpreter::remove_callback(const Statement& statement, const Context& context) {
    std::function<std::size_t()> remove;
    {
        const std::lock_guard lock(mutex_);
        remove = registrations_[statement.number(0)];
    }
    if (!remove) return log(context.who, "rdc none");
    log(context.who, "rdc " + std::to_string(remove()));
}

void Interpreter::gather(const Statement& statement, const Context& context) {
    if (gathers_.fetch_add(1, std::memory_order_relaxed) >= kGathersAtMost) return log(context.who, "gather full");
    const bool failures_are_results = statement.number(1) != 0;
    Node* node = make_node();
    std::vector<Member> members;
    std::vector<Node*> nodes;
    bool opaque = false;
    for (const int ref : statement.refs) {
        if (ref >= kCoroutine) {
            Node* child = make_node();
            if (std::optional<Coro<int>> made = coroutine(ref, child)) {
                members.emplace_back(std::move(*made));
                nodes.push_back(child);
            }
        } else if (const std::optional<Slot> found = slot(ref)) {
            if (const std::optional<Future<int>> future = int_handle(found->handle)) {
                members.emplace_back(*future);
            } else {
                members.emplace_back(found->any());
                opaque = true;
            }
            nodes.push_back(found->node);
        }
    }
    {
        const std::lock_guard lock(mutex_);
        node->children = nodes;
    }
    const std::size_t size = members.size();
    AnySlot future;
    const bool each = statement.number(2) == 0 && size <= 3;
    if (opaque) {
        for (Member& member : members) {  // one type for all
            if (auto* made = std::get_if<Coro<int>>(&member)) {
                member = AnyFuture(create_task(std::move(*made)).ref());
            } else if (auto* handle = std::get_if<Future<int>>(&member)) {
                member = AnyFuture(*handle);
            }
        }
        future = gather_vector(failures_are_results, all_as<AnyFuture>(members));
    } else if (size > 0 && !each && all_are<Future<int>>(members)) {
        future = gather_vector(failures_are_results, all_as<Future<int>>(members));
    } else if (size > 0 && !each && all_are<Coro<int>>(members)) {
        future = gather_vector(failures_are_results, all_as<Coro<int>>(members));
    } else {
        future = gather_each(failures_are_results, members);
    }
    put(statement.number(0), future, node);
    log(context.who,
        "gather " + std::to_string(statement.number(0)) + " of " + std::to_string(size) + " " + state_text(future));
}

void Interpreter::shield(const Statement& statement, const Context& context) {
    const int ref = statement.number(1);
    AnySlot outer;
    Node* node = nullptr;
    if (ref >= kCoroutine) {
        std::optional<Coro<int>> made = coroutine(ref, make_node());
        if (!made) return log(context.who, "shield full");
        outer = weft::shield(std::move(*made));
    } else {
        const std::optional<Slot> found = slot(ref);
        if (!found) return log(context.who, "shield none");
        if (const std::optional<Future<int>> future = int_handle(found->handle)) {
            outer = weft::shield(*future);
        } else {
            outer = AnyFuture(weft::shield(found->any()));
        }
        // A done future is returned as it is.
        if (any_of(outer) == found->any()) node = found->node;
    }
    put(statement.number(0), outer, node);
    log(context.who, "shield " + std::to_string(statement.number(0)) + " " + state_text(outer));
}

void Interpreter::reschedule(const Statement& statement, const Context& context) {
    Scoped<Timeout> found;
    {
        const std::lock_guard lock(mutex_);
        found = scopes_[statement.number(0)];
        if (free_ && found.owner != context.node) found = {};
    }
    if (found.object == nullptr) return log(context.who, "resched none");
    std::optional<TimePoint> when;
    if (const std::optional<Duration> limit = milliseconds(statement.numbers.at(1))) {
        when = get_running_loop().time() + *limit;
    }
    try {
        found.object->reschedule(when);
        log(context.who, "resched");
    } catch (const std::runtime_error&) {
        log(context.who, "resched Runtime");
    }
}

void Interpreter::scope(const Statement& statement, const Context& context) {
    Scoped<Timeout> found;
    {
        const std::lock_guard lock(mutex_);
        found = scopes_[statement.number(0)];
        if (free_ && found.owner != context.node) found = {};
    }
    if (found.object == nullptr) return log(context.who, "scope none");
    const std::optional<TimePoint> when = found.object->when();
    log(context.who, std::string(found.object->expired() ? "scope 1 " : "scope 0 ") +
                         (when ? std::to_string((*when - start_) / 1ms) : "none"));
}

void Interpreter::ask(const Statement& statement, const Context& context) {
    const int number = statement.number(0);
    const std::string what = statement.text + " " + std::to_string(number);
    try {
        log(context.who, what + " =" + shared_.ask(number, statement.text, statement.number(1)));
    } catch (...) {
        log(context.who, what + " !" + text_of(std::current_exception()));
    }
}

void Interpreter::raise(const Statement& statement) {
    if (statement.number(0) < 0) throw CancelledError("raised");
    throw AppError(statement.number(0));
}

// --- statements that may suspend ---

Coro<> Interpreter::sleep(const Statement& statement, const Context& context) {
    co_await weft::sleep(std::chrono::milliseconds(statement.number(0)));
    log(context.who, "slept");
}

Coro<> Interpreter::waiting(Coro<std::string> wait, const Context& context, std::string what, Node* before) {
    const auto back = [&] {
        const std::lock_guard lock(mutex_);
        context.node->waits_for = before;
        context.node->awaited = {};
    };
    try {
        const std::string value = co_await std::move(wait);
        log(context.who, what + " =" + value);
    } catch (...) {
        log(context.who, what + " !" + text_of(std::current_exception()));
        back();
        throw;
    }
    back();
}

Coro<> Interpreter::await(const Statement& statement, const Context& context) {
    const int ref = statement.number(0);
    std::optional<Found> found = resolve(context, "await", ref);
    if (!found) co_return;
    std::optional<Coro<std::string>> wait;
    if (auto* made = std::get_if<Coro<int>>(&found->target)) {
        wait = await_text(std::move(*made));
    } else {
        wait = std::visit([](const auto& handle) { return await_text(handle); }, std::get<Slot>(found->target).handle);
    }
    co_await waiting(std::move(*wait), context, "await " + std::to_string(ref), found->before);
}

Coro<> Interpreter::wait_for(const Statement& statement, const Context& context) {
    const int ref = statement.number(0);
    const std::optional<Duration> limit = milliseconds(statement.numbers.at(1));
    std::optional<Found> found = resolve(context, "waitfor", ref);
    if (!found) co_return;
    std::optional<Coro<std::string>> wait;
    if (auto* made = std::get_if<Coro<int>>(&found->target)) {
        wait = wait_for_text(std::move(*made), limit);
    } else {
        const AnySlot& handle = std::get<Slot>(found->target).handle;
        if (const auto* future = std::get_if<Future<int>>(&handle)) {
            wait = wait_for_text(*future, limit);
        } else if (const auto* task = std::get_if<Task<int>>(&handle)) {
            wait = wait_for_text(*task, limit);
        } else {
            wait = wait_for_text(any_of(handle), limit);
        }
    }
    co_await waiting(std::move(*wait), context, "waitfor " + std::to_string(ref), found->before);
}

Coro<> Interpreter::wait(const Statement& statement, const Context& context) {
    std::vector<AnyFuture> futures;
    for (const int number : statement.refs) {
        if (const std::optional<Slot> found = slot(number)) futures.push_back(found->any());
    }
    if (futures.empty()) co_return log(context.who, "wait none");
    const ReturnWhen mode = statement.number(0) == 0   ? FIRST_COMPLETED
                            : statement.number(0) == 1 ? FIRST_EXCEPTION
                                                       : ALL_COMPLETED;
    const auto places = [&futures](const std::vector<AnyFuture>& some) {
        std::vector<std::size_t> found;
        for (const AnyFuture& future : some) {
            found.push_back(static_cast<std::size_t>(std::ranges::find(futures, future) - futures.begin()));
        }
        return join(found);
    };
    std::string outcome;
    try {
        auto result =
            co_await weft::wait(futures, {.timeout = milliseconds(statement.numbers.at(1)), .return_when = mode});
        outcome = places(result.done) + "|" + places(result.pending);
    } catch (...) {
        log(context.who, "wait !" + text_of(std::current_exception()));
        throw;
    }
    log(context.who, "wait " + outcome);
}

template <class Handles>
Coro<> Interpreter::take_results(Handles handles, std::optional<Duration> limit, const Context& context, int most) {
    int taken = 0;
    for (auto next : weft::as_completed(std::move(handles), limit)) {
        std::exception_ptr error;
        try {
            std::string value = "*";
            if constexpr (std::is_void_v<decltype(std::declval<typename Handles::value_type>()
                                                      .operator co_await()
                                                      .await_resume())>) {
                co_await std::move(next);
            } else {
                const int number = co_await std::move(next);
                value = text(number);
            }
            log(context.who, "asc =" + value);
        } catch (...) {
            error = std::current_exception();
        }
        if (error) {
            const Described described = describe(error);
            log(context.who, "asc !" + described.text);
            if (described.kind == 'C') std::rethrow_exception(error);
        }
        if (++taken == most) co_return;
    }
    log(context.who, "asc end");
}

template <class Handles>
Coro<> Interpreter::take_handles(Handles handles, std::optional<Duration> limit, const Context& context, int most) {
    constexpr bool kCoroutines = std::is_same_v<Handles, std::vector<Coro<int>>>;
    std::vector<AnyFuture> members;
    if constexpr (!kCoroutines) members.assign(handles.begin(), handles.end());
    auto series = weft::as_completed(std::move(handles), limit);
    for (int taken = 0; taken < most; ++taken) {
        std::exception_ptr error;
        try {
            auto next = co_await series.next();
            if (!next) co_return log(context.who, "asc end");
            std::string place = "-";
            if constexpr (!kCoroutines) {
                place = std::to_string(std::ranges::find(members, AnyFuture(next->ref())) - members.begin());
            }
            log(context.who, "asc " + place + " " + state_text(*next));
        } catch (...) {
            error = std::current_exception();
        }
        if (error) {
            const Described described = describe(error);
            log(context.who, "asc !" + described.text);
            if (described.kind == 'C') std::rethrow_exception(error);
        }
    }
}

Coro<> Interpreter::as_completed(const Statement& statement, const Context& context) {
    std::vector<Coro<int>> coroutines;
    std::vector<Future<int>> futures;
    std::vector<AnyFuture> all;
    for (const int ref : statement.refs) {
        if (ref >= kCoroutine) {
            if (std::optional<Coro<int>> made = coroutine(ref, make_node())) coroutines.push_back(std::move(*made));
        } else if (const std::optional<Slot> found = slot(ref)) {
            all.push_back(found->any());
            if (const std::optional<Future<int>> future = int_handle(found->handle)) futures.push_back(*future);
        }
    }
    if (coroutines.empty() && all.empty()) co_return log(context.who, "asc none");
    const bool by_handle = statement.number(0) != 0;
    const std::optional<Duration> limit = milliseconds(statement.numbers.at(1));
    const int most = statement.number(2);
    std::optional<Coro<>> taking;
    if (!coroutines.empty()) {
        taking = by_handle ? take_handles(std::move(coroutines), limit, context, most)
                           : take_results(std::move(coroutines), limit, context, most);
    } else if (futures.size() == all.size()) {
        taking = by_handle ? take_handles(futures, limit, context, most) : take_results(futures, limit, context, most);
    } else {
        taking = by_handle ? take_handles(all, limit, context, most) : take_results(all, limit, context, most);
    }
    co_await std::move(*taking);
}

Coro<> Interpreter::want(const Statement& statement, const Context& context) {
    const int number = statement.number(0);
    const int argument = statement.number(1);
    const std::function<int()> predicate = [&] {
        int done = 0;
        for (int i = 0; i < program_.futures; ++i) done += slot(i).value().any().done() ? 1 : 0;
        log(context.who, "counts " + std::to_string(done));
        return std::max(0, done - argument);
    };
    Coro<std::string> wanted = shared_.want(number, statement.text, argument, predicate);
    if (statement.number(2) != 0) wanted = weft::wait_for(std::move(wanted), milliseconds(statement.numbers.at(3)));
    co_await waiting(std::move(wanted), context, statement.text + " " + std::to_string(number), nullptr);
}

template <class Lockable>
Coro<Returned> Interpreter::hold_it(Lockable& shared, const Statement& statement, Context& context) {
    const int number = statement.number(0);
    SharedObject& object = shared_.at(number);
    const std::string what = "hold " + std::to_string(number);
    Returned value;
    std::exception_ptr error;
    try {
        auto held = co_await shared.scoped();
        object.counts(-1);
        log(context.who, what);
        try {
            value = co_await block(statement.blocks.at(0), context);
        } catch (...) {
            error = std::current_exception();
        }
        object.counts(1);
        try {
            held.release();
        } catch (...) {
            object.counts(-1);
            throw;
        }
    } catch (...) {
        error = std::current_exception();
    }
    log(context.who, what + (error ? " !" + text_of(error) : " left"));
    if (error) std::rethrow_exception(error);
    co_return value;
}

Coro<Returned> Interpreter::hold(const Statement& statement, Context& context) {
    const auto holding = [&](auto& shared) -> Coro<Returned> {
        if constexpr (requires { shared.scoped(); }) {
            return hold_it(shared, statement, context);
        } else {
            throw std::logic_error("nothing that can be held");
        }
    };
    Coro<Returned> all = std::visit(holding, shared_.at(statement.number(0)).object());
    Returned value = co_await std::move(all);
    co_return value;
}

Coro<Returned> Interpreter::timeout(const Statement& statement, Context& context) {
    const int number = statement.number(0);
    Timeout scope{milliseconds(statement.numbers.at(1))};
    {
        const std::lock_guard lock(mutex_);
        scopes_[number] = {&scope, context.node};
    }
    const auto leave = [&] {
        {
            const std::lock_guard lock(mutex_);
            // Another task may have entered the same one.
            if (scopes_[number].object == &scope) scopes_[number] = {};
        }
        log(context.who, "timeout " + std::to_string(number) + (scope.expired() ? " left 1" : " left 0"));
    };
    Returned value;
    try {
        const auto inside = [&] { return block(statement.blocks.at(0), context); };
        value = co_await scope.run(inside);
    } catch (...) {
        leave();
        throw;
    }
    leave();
    co_return value;
}

Coro<Returned> Interpreter::group(const Statement& statement, Context& context) {
    const int number = statement.number(0);
    TaskGroup group;
    {
        const std::lock_guard lock(mutex_);
        groups_[number] = {&group, context.node};
    }
    const auto leave = [&] {
        {
            const std::lock_guard lock(mutex_);
            // Another task may have entered the same one.
            if (groups_[number].object == &group) groups_[number] = {};
        }
        log(context.who, "group " + std::to_string(number) + " left");
    };
    const auto inside = [&](TaskGroup&) -> Coro<Returned> {
        Returned value = co_await block(statement.blocks.at(0), context);
        log(context.who, "group " + std::to_string(number) + " exits");
        co_return value;
    };
    Returned value;
    try {
        value = co_await group.run(inside);
    } catch (...) {
        leave();
        throw;
    }
    leave();
    co_return value;
}

Coro<Returned> Interpreter::repeat(const Statement& statement, Context& context) {
    for (int i = 0; i < statement.number(0); ++i) {
        Returned value = co_await block(statement.blocks.at(0), context);
        if (value) co_return value;
    }
    co_return std::nullopt;
}

Coro<Returned> Interpreter::attempt(const Statement& statement, Context& context) {
    std::exception_ptr error;
    Returned value;
    try {
        value = co_await block(statement.blocks.at(0), context);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        const Described described = describe(error);
        const auto catches = [&described](const Handler& handler) {
            return handler.kind == described.kind || (handler.kind == 'X' && described.kind != 'C');
        };
        const auto handler = std::ranges::find_if(statement.handlers, catches);
        if (handler != statement.handlers.end()) {
            log(context.who, std::string("caught ") + handler->kind + " " + described.text);
            const std::exception_ptr outer = std::exchange(context.error, std::exchange(error, nullptr));
            try {
                value = co_await block(handler->block, context);
            } catch (...) {
                error = std::current_exception();
            }
            context.error = outer;
        }
    }
    if (!statement.blocks.at(1).empty()) {
        log(context.who, "finally");
        Returned last = co_await block(statement.blocks.at(1), context);
        if (last) co_return last;
    }
    if (error) std::rethrow_exception(error);
    co_return value;
}

}  // namespace weft::conformance
