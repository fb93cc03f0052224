// Interpreter: runs one random program on weft and writes its trace. The twin of interpreter.py: whoever changes one
// changes both.
//
// On one loop the trace is compared with CPython's, line by line. On many loops (Order::free) there is none; then the
// interpreter itself looks for what must never be: a done callback that is called twice or not at all, a task that
// still waits for something that is done, a task that does not end however often it is cancelled, a body that begins
// and does not end. Groups and timeouts are then used by the tasks only that may, and a child does not wait for what
// waits for its group: that would never end.
//
// Thread: the program's tables are guarded by one mutex, never held while user code can run. It outlives the loops.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "api/loop.hpp"
#include "sync/as_completed.hpp"
#include "sync/coro.hpp"
#include "sync/future.hpp"
#include "sync/gather.hpp"
#include "sync/shield.hpp"
#include "sync/task.hpp"
#include "sync/task_group.hpp"
#include "sync/timeout.hpp"
#include "sync/wait.hpp"
#include "sync/wait_for.hpp"
#include "tests/conformance/program.hpp"
#include "tests/conformance/shared_objects.hpp"

namespace weft::conformance {

// Any handle that a program can hold.
using AnySlot = std::variant<Future<int>, Task<int>, Future<std::vector<int>>, Future<std::vector<Outcome<int>>>,
                             Future<std::tuple<int>>, Future<std::tuple<int, int>>, Future<std::tuple<int, int, int>>,
                             Future<std::tuple<Outcome<int>>>, Future<std::tuple<Outcome<int>, Outcome<int>>>,
                             Future<std::tuple<Outcome<int>, Outcome<int>, Outcome<int>>>, AnyFuture>;

// What waits, for the search for cycles: a task, or a gather with its children.
struct Node {
    Node* waits_for = nullptr;
    std::vector<Node*> children;
    // Among many loops: what the task awaits; the group that made it, and that group's task.
    AnyFuture awaited;
    const void* member_of = nullptr;
    const Node* parent = nullptr;
};

struct Slot {
    AnySlot handle;
    Node* node = nullptr;

    [[nodiscard]] AnyFuture any() const;
};

// A running body, or a callback.
struct Context {
    std::string who;
    Node* node = nullptr;
    std::exception_ptr error;  // what the innermost handler handles
};

// Something that lives in a body's frame while other tasks may reach it by its number.
template <class T>
struct Scoped {
    T* object = nullptr;
    Node* owner = nullptr;
};

using Returned = std::optional<int>;  // the value of a ret, if one was met

enum class Order { serial, free };

class Interpreter {
public:
    Interpreter(const Program& program, Order order)
        : program_(program), free_(order == Order::free), shared_(program.shared) {}
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
    // Nothing collects a pending future and the gather that waits for it: what was made is cancelled.
    ~Interpreter();

    // Runs the program to its end on the running loop.
    Coro<> drive();

    [[nodiscard]] const std::string& trace() const { return trace_; }
    // Of a free run: what must never be, a line each.
    [[nodiscard]] const std::string& violations() const { return violations_; }

private:
    Coro<int> body(int number, Node* node);
    void callback(int number, const std::string& origin);
    Coro<Returned> block(const Block& statements, Context& context);

    // Returns false if the statement is one that may suspend.
    bool run_at_once(const Statement& statement, const Context& context);
    Coro<Returned> run_slowly(const Statement& statement, Context& context);

    void create(const Statement& statement, const Context& context);
    void group_create(const Statement& statement, const Context& context);
    void set_result(const Statement& statement, const Context& context);
    void set_exception(const Statement& statement, const Context& context);
    void cancel(const Statement& statement, const Context& context);
    void uncancel(const Statement& statement, const Context& context);
    void count(const Statement& statement, const Context& context);
    void result(const Statement& statement, const Context& context);
    void soon(const Statement& statement);
    void later(const Statement& statement);
    void cancel_handle(const Statement& statement, const Context& context);
    void add_callback(const Statement& statement, const Context& context);
    void remove_callback(const Statement& statement, const Context& context);
    void gather(const Statement& statement, const Context& context);
    void shield(const Statement& statement, const Context& context);
    void reschedule(const Statement& statement, const Context& context);
    void scope(const Statement& statement, const Context& context);
    void ask(const Statement& statement, const Context& context);
    static void raise(const Statement& statement);

    Coro<> sleep(const Statement& statement, const Context& context);
    Coro<> await(const Statement& statement, const Context& context);
    Coro<> wait_for(const Statement& statement, const Context& context);
    Coro<> wait(const Statement& statement, const Context& context);
    Coro<> as_completed(const Statement& statement, const Context& context);
    Coro<> want(const Statement& statement, const Context& context);
    Coro<Returned> hold(const Statement& statement, Context& context);
    template <class Lockable>
    Coro<Returned> hold_it(Lockable& shared, const Statement& statement, Context& context);
    Coro<Returned> timeout(const Statement& statement, Context& context);
    Coro<Returned> group(const Statement& statement, Context& context);
    Coro<Returned> attempt(const Statement& statement, Context& context);
    Coro<Returned> repeat(const Statement& statement, Context& context);

    // Also logs how the wait ended.
    Coro<> waiting(Coro<std::string> wait, const Context& context, std::string what, Node* before);
    template <class Handles>
    Coro<> take_results(Handles handles, std::optional<Duration> limit, const Context& context, int most);
    template <class Handles>
    Coro<> take_handles(Handles handles, std::optional<Duration> limit, const Context& context, int most);

    // A new coroutine, or nothing if the program has started enough of them.
    [[nodiscard]] std::optional<Coro<int>> coroutine(int ref, Node* node);

    // What an await or wait_for is to wait for, with what the task waited for before.
    struct Found {
        std::variant<Slot, Coro<int>> target;
        Node* before = nullptr;
    };
    // Marks what the task waits for; returns nothing after logging why not.
    [[nodiscard]] std::optional<Found> resolve(const Context& context, const std::string& what, int ref);

    Node* make_node();
    [[nodiscard]] std::string name_of_newest();
    [[nodiscard]] std::optional<Slot> slot(int number);
    // Empty outside tasks, for what is no task, and for an empty slot.
    [[nodiscard]] AnyTask task(int number);
    void put(int number, AnySlot handle, Node* node);
    // Once, in tasks_. Under the mutex.
    void enlist(const AnyTask& task, Node* node);
    [[nodiscard]] const Block& branch(const Statement& statement);
    void log(std::string_view who, const std::string& what);
    // Until everything that can go on has gone on.
    Coro<> settle();
    // Of a free run: calls find(), which tells what must never be, until it finds nothing any more or has had its time.
    Coro<> look_for(std::function<std::string()> find);
    [[nodiscard]] std::string missed_wakes();
    [[nodiscard]] std::string wrong_callbacks();
    [[nodiscard]] bool all_done();
    [[nodiscard]] bool may_use(const void* group, const Node* owner, const Node* user) const;

    const Program& program_;
    const bool free_;
    TimePoint start_{};
    SharedObjects shared_;

    std::mutex mutex_;
    std::string trace_;
    std::string violations_;
    std::deque<Node> nodes_;
    std::map<int, Slot> slots_;
    std::map<int, Handle> handles_;
    std::map<int, std::function<std::size_t()>> registrations_;
    std::map<int, Scoped<TaskGroup>> groups_;
    std::map<int, Scoped<Timeout>> scopes_;
    std::vector<std::pair<AnyTask, Node*>> tasks_;
    int runs_ = 0;
    int ends_ = 0;
    int started_ = 0;
    std::atomic<int> gathers_{0};
    // Of a free run.
    std::size_t events_ = 0;
    std::vector<AnyFuture> made_;
    std::deque<std::pair<AnyFuture, std::size_t>> watched_;  // with the calls of its done callback
};

}  // namespace weft::conformance
